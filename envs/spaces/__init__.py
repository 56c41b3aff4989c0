"""The spaces of observations and actions, and what turns and utterances are in them."""

from .spaces import action_space as action_space
from .spaces import observation_space as observation_space
