from social_sandbox.alignment.runtime.recipes import comparable, recorded_recipe

API = {"_target_": "OpenAIPolicy", "model": "m", "base_url": "http://a:1/v1", "timeout": 3.0}


def test_a_record_names_the_model_and_not_where_it_is_asked() -> None:
    assert recorded_recipe(API) == {"_target_": "OpenAIPolicy", "model": "m"}


def test_observers_of_a_mean_are_recorded_likewise() -> None:
    mean = {"_target_": "MeanPolicy", "observers": ["norms", {"observer": "openai", **API}]}
    assert recorded_recipe(mean)["observers"] == [
        "norms",
        {"observer": "openai", "_target_": "OpenAIPolicy", "model": "m"},
    ]


def test_a_record_of_an_earlier_version_compares_without_addresses() -> None:
    record = {"seed": 0, "policy": API, "population": [API], "method": {"timeout": 1}}
    plain = {"_target_": "OpenAIPolicy", "model": "m"}
    assert comparable(record) == {
        "seed": 0,
        "policy": plain,
        "population": [plain],
        "method": {"timeout": 1},
    }
