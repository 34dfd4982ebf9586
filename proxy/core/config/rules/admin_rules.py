"""What [admin] must be beyond its form."""

from collections.abc import Iterator

from proxy.core.address import is_local
from proxy.core.config.problem import Finding
from proxy.core.config.sections.model import Config


def check_admin(config: Config) -> Iterator[Finding]:
    admin = config.admin
    if admin is None:
        return
    if admin.token is not None and admin.token_file is not None:
        yield Finding(
            path=("admin", "token_file"),
            message='the token stands in the file already: "token" and "token_file" are two ways to say it',
            hint="remove one of them",
        )
    if not is_local(admin.listen):
        yield Finding(
            path=("admin", "listen"),
            message=f"whoever reaches {admin.listen} from elsewhere reads everything, and a token is sent in clear",
            hint="listen on 127.0.0.1, or on a Unix socket; from elsewhere come through ssh -L, or a frontend with TLS",
            severity="warning",
        )
