from __future__ import annotations

import os
import ssl
import stat
import threading
from pathlib import Path

import pytest

from smsgate import config
from smsgate.config import Config, ConfigError, MailServer


@pytest.fixture
def no_dotenv(tmp_path: Path) -> Path:
    return tmp_path / "none"


def load(no_dotenv: Path, **environ: str) -> Config:
    return config.load(environ, no_dotenv)


def test_everything_has_a_default(no_dotenv: Path) -> None:
    loaded = load(no_dotenv)
    assert (loaded.bind, loaded.port) == ("127.0.0.1", 8000)
    assert loaded.public_url == "http://127.0.0.1:8000"
    assert loaded.data_dir == config.PROJECT_DIR / "data"
    assert loaded.embedded_postgres
    assert loaded.embedded_redis
    assert loaded.trusted_proxies == ()
    assert not loaded.debug


def test_urls_replace_the_embedded_servers(no_dotenv: Path) -> None:
    loaded = load(no_dotenv, DATABASE_URL="postgresql://u@h/d", REDIS_URL="redis://h/1")
    assert not loaded.embedded_postgres
    assert not loaded.embedded_redis
    assert loaded.effective_redis_url() == "redis://h/1"


@pytest.mark.parametrize(("cores", "processes"), [(1, 1), (2, 2), (4, 4), (5, 4)])
def test_a_web_process_for_each_core_that_may_be_used_and_at_most_four(
    no_dotenv: Path, monkeypatch: pytest.MonkeyPatch, cores: int, processes: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)))
    assert load(no_dotenv, WEB_PROCESSES="").web_processes == processes
    assert load(no_dotenv, WEB_PROCESSES="7").web_processes == 7


def test_an_empty_value_means_the_default(no_dotenv: Path) -> None:
    loaded = load(no_dotenv, PORT="", BIND="", DATA_DIR="", PUBLIC_URL="", DATABASE_URL="")
    assert loaded == load(no_dotenv)


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:81"),
        ("::", "http://127.0.0.1:81"),
        ("::1", "http://[::1]:81"),
        ("192.0.2.7", "http://192.0.2.7:81"),
    ],
)
def test_the_public_url_follows_the_address(no_dotenv: Path, bind: str, url: str) -> None:
    assert load(no_dotenv, BIND=bind, PORT="81").public_url == url


@pytest.mark.parametrize(
    ("given", "tls_port"),
    [
        ({}, 0),
        ({"BIND": "localhost"}, 0),
        ({"BIND": "127.0.0.2"}, 0),
        ({"BIND": "0.0.0.0"}, 8443),
        ({"BIND": "::", "PORT": "81"}, 524),
        ({"BIND": "192.0.2.7", "PUBLIC_URL": "https://sms.example"}, 0),
        ({"BIND": "0.0.0.0", "PUBLIC_URL": "http://192.0.2.7:8000"}, 8443),
        ({"BIND": "0.0.0.0", "TLS_PORT": "0"}, 0),
        ({"TLS_PORT": "9000"}, 9000),
    ],
)
def test_what_a_network_reaches_without_a_name_speaks_tls(
    no_dotenv: Path, given: dict[str, str], tls_port: int
) -> None:
    assert load(no_dotenv, **given).tls_port == tls_port


def test_the_public_url_has_no_slash_at_its_end(no_dotenv: Path) -> None:
    assert load(no_dotenv, PUBLIC_URL="https://sms.example/").public_url == "https://sms.example"


def test_proxies_are_separated_by_commas_or_spaces(no_dotenv: Path) -> None:
    loaded = load(
        no_dotenv,
        TRUSTED_PROXIES="10.0.0.1, 10.1.0.0/16  ::1",
        WEBHOOK_PRIVATE_NETWORKS="192.168.1.0/24",
    )
    assert loaded.webhook_private_networks == ("192.168.1.0/24",)
    assert loaded.trusted_proxies == ("10.0.0.1", "10.1.0.0/16", "::1")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "8000.0", "http", "8 000", "٨٠٠٠"])
def test_it_refuses_a_bad_port_in_one_line(no_dotenv: Path, port: str) -> None:
    with pytest.raises(ConfigError, match=r"^PORT: expected a whole number from 1 to 65535$"):
        load(no_dotenv, PORT=port)


def test_it_refuses_a_bad_truth_value(no_dotenv: Path) -> None:
    assert load(no_dotenv, DEBUG="On").debug
    with pytest.raises(ConfigError, match=r"^DEBUG: expected true or false$"):
        load(no_dotenv, DEBUG="maybe")


def test_several_hosts_are_named_for_postgresql_alone(no_dotenv: Path) -> None:
    url = "postgresql://u:p@a:1,[::1]:2,c/d?target_session_attrs=any"
    assert load(no_dotenv, DATABASE_URL=url).database_url == url
    for wrong in ("postgresql://u:p@a:1,b:x/d", "postgresql://u:p@a:0,b/d"):
        with pytest.raises(ConfigError, match=r"^DATABASE_URL: expected "):
            load(no_dotenv, DATABASE_URL=wrong)
    with pytest.raises(ConfigError, match=r"^PUBLIC_URL: expected "):
        load(no_dotenv, PUBLIC_URL="http://a:1,b:2")


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "mysql://root:hunter2@db/x"),
        ("DATABASE_URL", "postgresql://root:hunter2@db:port/x"),
        ("DATABASE_URL", "postgresql://root:hunter2@[::1/x"),
        ("DATABASE_URL", "postgresql://"),
        ("REDIS_URL", "root:hunter2@db"),
        ("REDIS_URL", "redis://:hunter2@db:port"),
        ("EMAIL_URL", "imap://root:hunter2@mail"),
        ("EMAIL_URL", "smtps://root:hunter2@mail:port"),
        ("PUBLIC_URL", "sms.example.com"),
        ("BITRIX24_OAUTH_URL", "http://oauth.example.com"),
    ],
)
def test_it_refuses_a_url_of_no_use_and_keeps_its_password(
    no_dotenv: Path, name: str, url: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: expected [a-z+]+://") as caught:
        load(no_dotenv, **{name: url})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp+tls://a%40b:p%23w@mail?from=x@example.com",
            MailServer("mail", 587, "a@b", "p#w", True, False, "x@example.com")),
        ("smtps://u:p@mail:4650?from=SMS+gate+%3Cx%2By@example.com%3E",
            MailServer("mail", 4650, "u", "p", False, True, "SMS gate <x+y@example.com>")),
        ("smtp://u:p@127.0.0.1?from=x@localhost",
            MailServer("127.0.0.1", 25, "u", "p", False, False, "x@localhost")),
    ],
)  # fmt: skip
def test_a_mail_server_is_read(no_dotenv: Path, url: str, server: MailServer) -> None:
    assert load(no_dotenv, EMAIL_URL=url).email_url == server
    assert load(no_dotenv, EMAIL_URL="").email_url is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("smtps://u:hunter2@mail", "say whom mail is from"),
        ("smtps://u:hunter2@mail?from=nobody", "say whom mail is from"),
        ("smtps://u:hun#ter2@mail?from=x@example.com", "expected smtp"),
        ("smtps://u:hunter2@mail?from=x@example.com&timeout=5", "timeout is not known"),
        ("smtp://u:hunter2@mail?from=x@example.com", "the password would go in clear"),
        ("smtps:///x?from=x@example.com", "it names no host"),
    ],
)
def test_a_mail_server_of_no_use_is_refused_in_one_line(
    no_dotenv: Path, url: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=f"^EMAIL_URL: {said}") as caught:
        load(no_dotenv, EMAIL_URL=url)
    assert "ter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_LEVEL", "loud"),
        ("TRUSTED_PROXIES", "10.0.0.1 caddy"),
        ("WEBHOOK_PRIVATE_NETWORKS", "1"),
    ],
)
def test_it_refuses_what_would_fail_later(no_dotenv: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: expected "):
        load(no_dotenv, **{name: value})


def test_links_made_beside_the_supervisor_lead_to_it(no_dotenv: Path, tmp_path: Path) -> None:
    config.lock_file(tmp_path).write_text('{"public_url": "http://127.0.0.1:8001"}')
    here = {"DATA_DIR": str(tmp_path)}

    def beside(**environ: str) -> str:
        return config.load(here | environ, no_dotenv, beside_supervisor=True).public_url

    assert beside() == "http://127.0.0.1:8001"
    assert beside(PUBLIC_URL="https://sms.example.com") == "https://sms.example.com"
    assert load(no_dotenv, **here).public_url == "http://127.0.0.1:8000", "the next supervisor's"


def test_a_dotenv_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(
        "# a comment\n\nPORT=8001\nexport BIND='::1'\nPUBLIC_URL=\"http://x/?a=b\" \nLOG_LEVEL=debug\n"
    )
    loaded = config.load({"PORT": "8002"}, dotenv)
    assert (loaded.port, loaded.bind, loaded.public_url) == (8002, "::1", "http://x/?a=b")
    assert loaded.log_level == "DEBUG"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b # why", "b"),
        ("A=b#c", "b#c"),
        ("A='b # c' # why", "b # c"),
        ('A="b" # why', "b"),
        ("A= # why", ""),
        ("A=''", ""),
        ('A="', '"'),
        ("\ufeffA=b", "b"),
    ],
)
def test_dotenv_values_mean_what_they_mean_to_compose(
    tmp_path: Path, line: str, value: str
) -> None:
    (tmp_path / ".env").write_text(f"{line}\n", encoding="utf-8")
    assert config.read_dotenv(tmp_path / ".env") == {"A": value}


def test_a_dotenv_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    with pytest.raises(ConfigError, match=r"^\.env: cannot read it: it is not UTF-8$"):
        config.read_dotenv(tmp_path / ".env")


def test_a_line_without_equals_is_named(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=1\nhello\n")
    with pytest.raises(ConfigError, match=r"^\.env line 2: expected NAME=value$"):
        config.load({}, dotenv)


def test_sockets_lie_in_the_data_folder(no_dotenv: Path) -> None:
    loaded = load(no_dotenv, DATA_DIR="/srv/sms")
    assert loaded.postgres_socket_dir == Path("/srv/sms/postgres")
    assert loaded.redis_socket == Path("/srv/sms/redis/redis.sock")


def test_a_long_path_gets_short_sockets_of_its_own(no_dotenv: Path) -> None:
    one, two = (load(no_dotenv, DATA_DIR=f"/srv/{'x' * 100}{n}") for n in (1, 2))
    for loaded in (one, two):
        assert len(os.fsencode(loaded.redis_socket)) <= config.LONGEST_SOCKET_PATH
        assert loaded.postgres_socket_dir != loaded.postgres_dir
    places = {one.redis_socket, two.redis_socket, one.postgres_socket_dir, two.postgres_socket_dir}
    assert len(places) == 4


def test_a_secret_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "pepper_1"
    made = config.read_or_create_secret(path)
    assert len(made) >= 43
    assert config.read_or_create_secret(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["pepper_1"]


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pepper_1").write_text("\n")
    with pytest.raises(ConfigError, match=r"pepper_1: is empty"):
        config.read_or_create_secret(tmp_path / "pepper_1")


def test_processes_that_start_together_agree_on_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    found: list[str] = []
    gate = threading.Barrier(8)

    def read() -> None:
        gate.wait()
        found.append(config.read_or_create_secret(path))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_secret_comes_from_the_environment_then_from_a_file(tmp_path: Path) -> None:
    loaded = config.load({"DATA_DIR": str(tmp_path / "data")}, tmp_path / "none")
    file = tmp_path / "key"
    file.write_text("from file\n")
    both = {"SECRET_KEY": "from environment", "SECRET_KEY_FILE": str(file)}
    assert config.secret("SECRET_KEY", loaded, both) == "from environment"
    assert config.secret("SECRET_KEY", loaded, {"SECRET_KEY_FILE": str(file)}) == "from file"
    assert not loaded.data_dir.exists()


def test_a_secret_file_that_is_missing_is_named(tmp_path: Path) -> None:
    loaded = config.load({"DATA_DIR": str(tmp_path)}, tmp_path / "none")
    with pytest.raises(ConfigError, match=r"^SECRET_KEY_FILE: cannot read it: No such file"):
        config.secret("SECRET_KEY", loaded, {"SECRET_KEY_FILE": str(tmp_path / "gone")})


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("a file where a folder should be")
    with pytest.raises(ConfigError) as caught:
        config.read_or_create_secret(tmp_path / "secrets" / "pepper_1")
    assert "\n" not in str(caught.value)


def test_a_new_pepper_stands_beside_the_old_one(tmp_path: Path) -> None:
    loaded = config.load({"DATA_DIR": str(tmp_path)}, tmp_path / "none")
    first = config.peppers(loaded, {})[1]
    (tmp_path / "secrets" / "pepper_3").write_text("third\n")
    assert config.peppers(loaded, {"PEPPER_2": "second"}) == {1: first, 2: "second", 3: "third"}


def test_a_lost_pepper_is_not_made_anew_over_data(tmp_path: Path) -> None:
    loaded = config.load({"DATA_DIR": str(tmp_path)}, tmp_path / "none")
    loaded.postgres_dir.mkdir()
    (loaded.postgres_dir / "PG_VERSION").write_text("18\n")
    with pytest.raises(ConfigError, match="pepper_1 is missing; take it back from a backup"):
        config.peppers(loaded, {})
    assert config.peppers(loaded, {"PEPPER_1": "given"}) == {1: "given"}


def test_celery_is_led_to_the_same_redis(no_dotenv: Path, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.touch()
    checked = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    unchecked = {"ssl_cert_reqs": ssl.CERT_NONE, "ssl_check_hostname": False}
    for given, led in {
        "redis://h": ("redis://h/0", None),
        "redis://:p@h:1/3": ("redis://:p@h:1/3", None),
        "redis://h?db=3": ("redis://h/3", None),
        "unix://:p@/a/b?db=2": ("redis+socket://:p@/a/b?virtual_host=2", None),
        "rediss://h/1": ("rediss://h/1", checked),
        "rediss://h/1?ssl_cert_reqs=required": ("rediss://h/1", checked),
        f"rediss://h?ssl_ca_certs={authority}": (
            "rediss://h/0",
            checked | {"ssl_ca_certs": str(authority)},
        ),
        "rediss://h?ssl_cert_reqs=none": ("rediss://h/0", unchecked),
    }.items():
        assert load(no_dotenv, REDIS_URL=given).broker() == led, given


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("rediss://:hunter2@h?ssl_cert_reqs=CERT_REQUIRED", "ssl_cert_reqs is required"),
        ("rediss://:hunter2@h?ssl_cert_reqs=CERT_NONE", "ssl_cert_reqs is required"),
        ("rediss://:hunter2@h?ssl_cert_reqs=optional", "ssl_cert_reqs is required"),
        ("rediss://:hunter2@h?ssl_cert_reqs=", "ssl_cert_reqs is required"),
        ("rediss://:hunter2@h?ssl_ca_certs=/nowhere", "ssl_ca_certs: cannot read /nowhere"),
        ("rediss://:hunter2@h?ssl_check_hostname=false", "ssl_check_hostname is not known"),
        ("redis://:hunter2@h?ssl_cert_reqs=none", "ssl_cert_reqs is not known"),
        ("redis://:hunter2@h?socket_timeout=60", "socket_timeout is not known"),
        ("unix://:hunter2@/a?virtual_host=1", "virtual_host is not known"),
        ("redis://:hunter2@h/name", "the database is a number"),
        ("redis://:hunter2@h?db=x", "the database is a number"),
    ],
)
def test_what_one_of_the_two_libraries_would_read_otherwise_is_refused(
    no_dotenv: Path, url: str, problem: str
) -> None:
    with pytest.raises(ConfigError, match=f"^REDIS_URL: {problem}") as refused:
        load(no_dotenv, REDIS_URL=url)
    assert "hunter2" not in str(refused.value)
