"""REINFORCE in a society, in plain PyTorch: a model learns to answer briefly.

Each step plays a group of Back-Scatters for some questions. The tokens that the model wrote are
reinforced by how much better their Back-Scatter was than the mean of its group.

    python examples/reinforce.py --steps 30
"""

import argparse

import torch
from peft import LoraConfig, get_peft_model

from social_sandbox.envs import WorldConfig
from social_sandbox.envs.questions import held_out_questions, society_questions
from social_sandbox.policies.huggingface import InMemoryPolicy
from social_sandbox.policies.huggingface.shared_model import load_model, load_tokenizer
from social_sandbox.policies.learning import Start, play_groups

RULES = WorldConfig(grid_size=2, n_observers=0, memory=False)


def rows_of_tokens(trajectories, pad_id):
    """Return ids, mask of the learner's tokens and attention mask, all (rows, longest row)."""
    shape = (len(trajectories), max(len(row.token_ids) for row in trajectories))
    ids, mask = torch.full(shape, pad_id), torch.zeros(shape)
    attention = torch.zeros(shape, dtype=torch.long)
    for number, row in enumerate(trajectories):
        ids[number, : len(row.token_ids)] = torch.tensor(row.token_ids)
        mask[number, : len(row.token_ids)] = torch.tensor(row.mask, dtype=torch.float32)
        attention[number, : len(row.token_ids)] = 1
    return ids, mask, attention


def play(policy, questions, seed, n, rewards):
    starts = [Start(seed + number, q.text) for number, q in enumerate(questions)]
    return play_groups(starts, policy, n, config=RULES, rewards=rewards)


def mean_reward(groups):
    rewards = [row.reward for group in groups for row in group if row.reward is not None]
    return sum(rewards) / len(rewards)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="smollm2", help="a path, a hub id, or smollm2")
    parser.add_argument("--norm", default="brief", help="name of a norm")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--questions", type=int, default=4, help="groups in a step")
    parser.add_argument("--group", type=int, default=8, help="Back-Scatters of a question")
    parser.add_argument("--tokens", type=int, default=48, help="longest text")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate")
    args = parser.parse_args()

    torch.manual_seed(0)
    tokenizer = load_tokenizer(args.model)
    base = load_model(args.model, dtype="auto", trained=True)
    model = get_peft_model(
        base, LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM")
    )
    policy = InMemoryPolicy(model, tokenizer, max_new_tokens=args.tokens)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=args.rate)
    questions, rewards = society_questions(), {f"norm:{args.norm}": 1.0}
    tests = held_out_questions()[:16]
    print(f"{args.norm} before: {mean_reward(play(policy, tests, 0, 2, rewards)):.2f}", flush=True)
    for step in range(args.steps):
        asked = [
            questions[(step * args.questions + i) % len(questions)] for i in range(args.questions)
        ]
        groups = play(policy, asked, 1000 * (step + 1), args.group, rewards)
        group_rewards = torch.tensor([[row.reward for row in group] for group in groups])
        advantages = (group_rewards - group_rewards.mean(1, keepdim=True)).flatten()
        ids, mask, attention = rows_of_tokens([row for group in groups for row in group], 0)
        logits = model(ids, attention_mask=attention).logits[:, :-1].float()
        logprobs = -torch.nn.functional.cross_entropy(
            logits.transpose(1, 2), ids[:, 1:], reduction="none"
        )
        loss = -(advantages[:, None] * logprobs * mask[:, 1:]).sum() / mask.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step + 1}: {args.norm} {group_rewards.mean():.2f}", flush=True)
    print(f"{args.norm} after: {mean_reward(play(policy, tests, 0, 2, rewards)):.2f}")


if __name__ == "__main__":
    main()
