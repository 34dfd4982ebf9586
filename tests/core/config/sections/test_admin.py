import pytest

from proxy.core.address import parse_address
from proxy.core.config import Admin, check_text
from proxy.core.config.sections.admin import check_token

MINIMAL = """
[frontends.web]
listen = "127.0.0.1:80"
pool = "app"
[pools.app]
backends = ["127.0.0.1:9001"]
[admin]
listen = "127.0.0.1:9900"
"""


def test_defaults() -> None:
    admin = check_text(MINIMAL, "lb.toml").unwrap().admin
    assert admin == Admin(listen=parse_address("127.0.0.1:9900"))
    assert (admin.token, admin.token_file, admin.unix_mode) == (None, None, 0o660)


@pytest.mark.parametrize(
    "token", ["", "short", "with a blank in the midst", "ünïcödé-is-no-header", "tab\tcharacter-in-it"]
)
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        check_token(token)
    problems = check_text(f"{MINIMAL}token = '{token}'\n", "lb.toml").problems
    assert [problem.path for problem in problems] == [("admin", "token")]
    assert not token or all(token not in problem.message for problem in problems)


def test_a_token_is_not_shown_where_a_configuration_is() -> None:
    assert "0123456789abcdef" not in repr(Admin(listen=parse_address("unix:@a"), token="0123456789abcdef"))
