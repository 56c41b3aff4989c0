"""What the methods that sample share: questions, rollouts of a society, lessons, a reward."""
