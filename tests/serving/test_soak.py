"""Law 7: whatever is done to runs, nothing of them stays behind. `benchmarks.soak` in short."""

from benchmarks.soak.soak import soak


def test_random_runs_in_a_small_cache_end_in_one_way_and_leave_nothing() -> None:
    report = soak(seed=7, n_runs=70)
    assert report.problems == ()
    assert report.runs == 70
    assert report.n_suspensions > 0
    assert report.n_cached_tokens > 0
    assert "joined" in report.ends
    assert any(end.startswith("RunCancelled") for end in report.ends)
    assert sum(report.cancelled.values()) > 5
