"""REINFORCE in a society, in plain PyTorch: a model learns to answer briefly.

A step plays several Back-Scatters of each of some questions. The tokens that the model wrote are
reinforced by how much better their Back-Scatter was than the mean of its group.
"""

import argparse

import torch
from peft import LoraConfig, get_peft_model

from social_sandbox.envs import WorldConfig
from social_sandbox.envs.rules.questions import held_out_questions, society_questions
from social_sandbox.policies.huggingface import InMemoryPolicy
from social_sandbox.policies.huggingface.shared_model import load_model, load_tokenizer
from social_sandbox.policies.learning import Start, play_groups

parser = argparse.ArgumentParser(description="Train a model by REINFORCE to follow a norm.")
parser.add_argument("--model", default="smollm2", help="a path, a hub id, or smollm2")
parser.add_argument("--norm", default="brief", help="name of a norm")
parser.add_argument("--steps", type=int, default=12)
parser.add_argument("--questions", type=int, default=2, help="groups in a step")
parser.add_argument("--group", type=int, default=8, help="Back-Scatters of a question")
parser.add_argument("--tokens", type=int, default=48, help="longest text")
parser.add_argument("--rate", type=float, default=5e-4, help="learning rate")
args = parser.parse_args()

RULES = WorldConfig(grid_size=2, n_observers=0, memory=False)
REWARDS = {f"norm:{args.norm}": 1.0, "ended": 1.0}


def play(questions, seed, n):
    """Return the trajectories, their rewards (questions, n), and how far they follow the norm."""
    starts = [Start(seed + number, question.text) for number, question in enumerate(questions)]
    groups = play_groups(starts, policy, n, config=RULES, rewards=REWARDS)
    rewards = torch.tensor([[row.reward for row in group] for group in groups])
    rows = [row for group in groups for row in group]
    return rows, rewards, sum(row.rewards[f"norm:{args.norm}"] for row in rows) / len(rows)


torch.manual_seed(0)
base = load_model(args.model, dtype="auto", trained=True)
lora = LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM")
model = get_peft_model(base, lora)
policy = InMemoryPolicy(model, load_tokenizer(args.model), max_new_tokens=args.tokens)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=args.rate)
asked, tests = society_questions(), held_out_questions()[: 4 * args.questions]
print(f"{args.norm} before: {play(tests, 0, 4)[2]:.2f}", flush=True)
for step in range(args.steps):
    first = step * args.questions % (len(asked) - args.questions)
    batch = asked[first : first + args.questions]
    trajectories, rewards, followed = play(batch, 1000 * step, args.group)
    advantages = (rewards - rewards.mean(1, keepdim=True)).flatten()
    n_tokens = sum(sum(row.mask) for row in trajectories)
    optimizer.zero_grad()
    # One by one, without padding: memory holds the logits of one row.
    for row, advantage in zip(trajectories, advantages.tolist(), strict=True):
        ids = torch.tensor([row.token_ids])
        # Most of the tokens are prompts, whose logits nobody needs.
        spoken = torch.tensor(row.mask).nonzero().squeeze(1)
        logits = model(ids, logits_to_keep=spoken - 1).logits[0].float()
        losses = torch.nn.functional.cross_entropy(logits, ids[0, spoken], reduction="sum")
        (advantage * losses / n_tokens).backward()
    optimizer.step()
    print(f"step {step + 1}: {args.norm} {followed:.2f}", flush=True)
print(f"{args.norm} after: {play(tests, 0, 4)[2]:.2f}")
