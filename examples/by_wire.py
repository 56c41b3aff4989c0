"""An agent in another program: whatever speaks the OpenAI protocol can join.

python examples/by_wire.py                      # plays with the small server below
python examples/by_wire.py http://HOST/v1 MODEL # or with vLLM, llama.cpp, Ollama, ...
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from social_sandbox.envs import World, WorldConfig
from social_sandbox.policies import Population, ScriptedPolicy, rollout
from social_sandbox.policies.openai import OpenAIPolicy


class Agent(BaseHTTPRequestHandler):
    """All of the protocol that an agent needs: messages in, one message out."""

    def do_POST(self) -> None:
        """Answer one request."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = request["messages"][-1]["content"]
        rated = "Rating:" in question
        text = "Rating: 6 ### Reason: It is kind." if rated else f"Kindly: {question}"
        reply = {"choices": [{"message": {"role": "assistant", "content": text}}]}
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing about single requests."""


def serve() -> str:
    """Start the server in the background and return its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Agent)
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/v1"


if __name__ == "__main__":
    base_url, model = sys.argv[1:] if len(sys.argv) == 3 else (serve(), "kind-agent")
    agent = OpenAIPolicy(model, base_url=base_url, max_new_tokens=48)
    world = World(WorldConfig(grid_size=2, n_rounds=1), seed=0)
    interactions = rollout([world], Population(social=agent, observer=ScriptedPolicy()))
    ratings = [f.rating for i in interactions for f in i.feedback if f.rating is not None]
    print(f"{len(interactions)} interactions with {model}; {len(ratings)} ratings; ", end="")
    print("social_0 in the end:")
    (first,) = [i for i in interactions if i.agent == "social_0"]
    print(repr(first.revision.text[:70]))
