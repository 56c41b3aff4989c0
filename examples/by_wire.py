"""Let an agent in another program play: any server with an OpenAI-compatible API.

python examples/by_wire.py                      # with the small server below
python examples/by_wire.py http://HOST/v1 MODEL # with vLLM, llama.cpp, Ollama, ...
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from social_sandbox.envs import World, WorldConfig
from social_sandbox.policies import Population, ScriptedPolicy, rollout
from social_sandbox.policies.openai import OpenAIPolicy


class Agent(BaseHTTPRequestHandler):
    """The part of the protocol that an agent needs: messages in, one message out."""

    def do_POST(self) -> None:
        """Answer one request."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = request["messages"][-1]["content"]
        rated = "Rating:" in prompt
        text = "Rating: 6 ### Reason: It is kind." if rated else f"Kindly: {prompt}"
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
    print(f"{len(interactions)} interactions with {model}; {len(ratings)} ratings")
    (first,) = [i for i in interactions if i.agent == "social_0"]
    print(f"the revision of social_0: {first.revision.text[:70]!r}")
