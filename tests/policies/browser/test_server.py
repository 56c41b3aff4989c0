"""The server of the pages: who may ask, what is answered, and how the server ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.browser.guard import LONGEST_BODY, Guard, json_body
from social_sandbox.policies.browser.server import application, files, served

TOKEN = "t" * 32


async def echo(request: Request) -> JSONResponse:
    return JSONResponse(await json_body(request))


def client(folder: Path, host: str = "127.0.0.1", token: str = "", name: str = "") -> TestClient:
    """A client of an application with an echo at `/echo` and the files of a folder."""
    routes = [Route("/echo", echo, methods=["POST"]), Mount("/", files(folder))]
    guarded = Guard(application(routes), host, 80, token)
    return TestClient(guarded, base_url=f"http://{name or host}", follow_redirects=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a page, beside a file that nobody may read."""
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<!doctype html><title>page</title>")
    (page / "core.js").write_text('"use strict";')
    (tmp_path / "secret.txt").write_text("secret")
    (page / "link.txt").symlink_to(tmp_path / "secret.txt")
    return page


def test_files_come_with_headers_that_allow_nothing_else(folder: Path) -> None:
    answer = client(folder).get("/")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "javascript" in client(folder).get("/core.js").headers["content-type"]


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/link.txt", "//etc/passwd"],
)
def test_nothing_outside_the_folder_is_served(folder: Path, path: str) -> None:
    answer = client(folder).get(path)
    assert answer.status_code in (400, 404)
    assert "secret\n" not in answer.text


@pytest.mark.parametrize(
    ("host", "name", "status"),
    [
        ("127.0.0.1", "localhost", 200),
        ("127.0.0.1", "[::1]", 200),
        ("127.0.0.1", "evil.example", 400),
        ("127.0.0.1", "127.0.0.1.evil.example", 400),
        ("127.0.0.1", "192.168.1.5", 400),
        ("0.0.0.0", "192.168.1.5", 200),
        ("0.0.0.0", "evil.example", 400),
    ],
)
def test_a_name_of_another_site_is_refused(folder: Path, host: str, name: str, status: int) -> None:
    assert client(folder, host, name=name).get("/").status_code == status


def test_the_token_moves_from_the_link_into_a_cookie(folder: Path) -> None:
    guarded = client(folder, token=TOKEN)
    assert guarded.get("/").status_code == 403
    assert guarded.get("/?token=wrong").status_code == 403
    answer = guarded.get(f"/core.js?rater=Ann&token={TOKEN}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/core.js?rater=Ann"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert guarded.get("/core.js").status_code == 200


def test_the_token_can_be_a_header(folder: Path) -> None:
    guarded = client(folder, token=TOKEN)
    for value, status in ((TOKEN, 200), ("wrong", 403), ("", 403), ("\xff", 403)):
        header = {"authorization": b"Bearer " + value.encode("latin-1")}
        assert guarded.get("/", headers=header).status_code == status


def test_a_page_of_another_site_cannot_send_anything(folder: Path) -> None:
    mine = client(folder)
    assert mine.post("/echo", json={"a": 1}).json() == {"a": 1}
    own, other = {"origin": "http://127.0.0.1"}, {"origin": "http://evil.example"}
    assert mine.post("/echo", json=1, headers=own).status_code == 200
    assert mine.post("/echo", json=1, headers=other).status_code == 403
    assert mine.post("/echo", json=1, headers={"origin": "null"}).status_code == 403
    assert mine.post("/echo", content="{}").status_code == 415


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"", 400), (b"\xff", 400), (b"[" * 60_000, 400), (b" " * LONGEST_BODY, 400)],
)
def test_a_body_that_is_no_json_is_refused(folder: Path, body: bytes, status: int) -> None:
    headers = {"content-type": "application/json"}
    assert client(folder).post("/echo", content=body, headers=headers).status_code == status
    larger = b" " * (LONGEST_BODY + 1)
    assert client(folder).post("/echo", content=larger, headers=headers).status_code == 413


def test_a_server_in_a_thread_answers_and_ends(folder: Path) -> None:
    with served(files(folder)) as server:
        assert "<title>page" in httpx2.get(server.link()).text
        assert httpx2.get(server.link("/missing.js")).status_code == 404
        port = server.port
        with (
            pytest.raises(UserError, match=rf"--port: .*port {port} .*Address already in use"),
            served(files(folder), port=port),
        ):
            pass
    assert server.ended.is_set()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


def test_others_reach_a_server_only_with_a_token(folder: Path) -> None:
    with (
        pytest.raises(UserError, match="a token in the link is necessary"),
        served(files(folder), host="0.0.0.0"),
    ):
        pass
    with served(files(folder), host="0.0.0.0", token=TOKEN) as server:
        own = f"http://127.0.0.1:{server.port}/"
        assert httpx2.get(own).status_code == 403
        assert httpx2.get(own, headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert server.link("/", "rater=Ann").endswith(f"/?rater=Ann&token={TOKEN}")


def test_an_unknown_host_is_told(folder: Path) -> None:
    with (
        pytest.raises(UserError, match="--host: no address of 'no such host'"),
        served(files(folder), host="no such host", token=TOKEN),
    ):
        pass


def test_ctrl_c_ends_a_server_without_an_error(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from social_sandbox.policies.browser.server import files, serve;"
        "serve(files(Path(sys.argv[1])), open_browser=False); print('the end')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert process.stdout
    link = process.stdout.readline().split()[0]
    with httpx2.Client() as keeps_its_connection:
        assert keeps_its_connection.get(link).status_code == 200
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (out, err, process.returncode) == ("the end\n", "", 0)
    assert time.monotonic() - start < 5
