import gc

from social_sandbox.envs.collector import rarely_collecting


def test_python_searches_for_garbage_as_before_when_the_work_is_done() -> None:
    before = gc.get_threshold()
    with rarely_collecting():
        assert gc.get_threshold()[0] > before[0]
        assert gc.get_freeze_count()
        with rarely_collecting():
            pass
        assert gc.get_freeze_count()
    assert gc.get_threshold() == before
    assert not gc.get_freeze_count()
