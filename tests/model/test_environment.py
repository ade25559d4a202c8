from __future__ import annotations

import pytest

from cattlegrid.errors import UnknownEnvironment
from cattlegrid.model.environment import Environment


@pytest.mark.parametrize("name", ["staging", "production"])
def test_the_two_environments_are_known_by_their_exact_names(name: str) -> None:
    assert Environment.named(name).value == name


@pytest.mark.parametrize(
    "name", [" staging", "staging ", "dev", "prod", "Production", "stagign", "", "test", "STAGING"]
)
def test_any_other_name_is_an_error_and_never_a_default(name: str) -> None:
    with pytest.raises(UnknownEnvironment) as refusal:
        Environment.named(name)
    assert repr(name) in str(refusal.value)
    assert "staging, production" in str(refusal.value)
    assert refusal.value.exit_code == 2


def test_a_near_miss_names_what_was_probably_meant() -> None:
    with pytest.raises(UnknownEnvironment, match="Did you mean 'staging'"):
        Environment.named("stagign")
