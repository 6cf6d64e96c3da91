"""Loading: layers, origins, complaints and warnings."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from s3warden.settings import Loaded, Settings, SettingsError, load
from s3warden.settings.leaves import leaves, variables

QUEUE = "https://sqs.eu-west-1.example.com/111122223333/events"
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A settings file with the given text."""

    def _write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return _write


def _load(path: Path | None = None, environ: Mapping[str, str] | None = None, **more: object) -> Loaded:
    return load(path, environ=environ or {}, **more)  # type: ignore[arg-type]


def _complaints(path: Path | None = None, environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        _load(path, environ)
    return [str(complaint) for complaint in caught.value.complaints]


def test_nothing_set_gives_the_defaults() -> None:
    """The daemon starts without a file, and `Settings()` reads nothing from around it."""
    assert _load().settings == Settings()


def test_a_queue_url_alone_is_enough() -> None:
    """In a variable or in a file, as a bare text, a list or a table."""
    for value in (QUEUE, f'["{QUEUE}"]', f'[{{"url": "{QUEUE}"}}]'):
        (queue,) = _load(environ={"S3WARDEN_QUEUES": value}).settings.queues
        assert (queue.url, queue.receivers) == (QUEUE, 2)


@pytest.mark.parametrize("text", [f'queues = "{QUEUE}"', f'queues = ["{QUEUE}"]', f'[[queues]]\nurl = "{QUEUE}"'])
def test_queues_in_a_file_take_every_form(text: str, write: Write) -> None:
    """A URL is a queue."""
    assert [queue.url for queue in _load(write(text)).settings.queues] == [QUEUE]


def test_flags_beat_the_environment_beats_the_file(write: Write) -> None:
    """Each layer covers the one below, value by value, and each value tells where it comes from."""
    path = write('[log]\nlevel = "error"\nformat = "json"\n[http]\nport = 1\nhost = "a"\n')
    environ = {"S3WARDEN_LOG__LEVEL": "warning", "S3WARDEN_HTTP__PORT": "2"}
    loaded = load(path, environ=environ, flags={("log", "level"): "debug", ("log", "format"): None})
    assert (loaded.settings.log.level, loaded.settings.log.format) == ("debug", "json")
    assert (loaded.settings.http.port, loaded.settings.http.host) == (2, "a")
    assert loaded.origins == {
        ("log", "level"): "flag:log.level",
        ("log", "format"): f"file:{path}",
        ("http", "port"): "env:S3WARDEN_HTTP__PORT",
        ("http", "host"): f"file:{path}",
    }


def test_all_complaints_come_at_once_with_their_places(write: Write) -> None:
    """The operator mends the file once, not nine times."""
    path = write(
        'sweeep = 1\n[aws]\nregoin = "eu-west-1"\nmax_in_flight = "many"\n[events]\npoll = 10\n'
        '[[destinations]]\ntype = "slack"\nname = "x"\nwebhook_uri = "env:X"\n[[destinations]]\ntype = "pager"\n'
    )
    environ = {"S3WARDEN_HTTP_PORT": "1", "S3WARDEN_HTTP__PORT": "99999", "S3WARDEN_ACCOUNTS__IDS": "[1"}
    assert sorted(_complaints(path, environ)) == sorted(
        [
            "env:S3WARDEN_HTTP_PORT: unknown setting; did you mean `S3WARDEN_HTTP__PORT`?",
            "env:S3WARDEN_ACCOUNTS__IDS: is not valid JSON: Expecting ',' delimiter at character 3",
            "env:S3WARDEN_HTTP__PORT: http.port: must be less than or equal to 65535",
            f"{path}:1: sweeep: unknown setting; did you mean `sweep`?",
            f"{path}:3: aws.regoin: unknown setting; did you mean `region`?",
            f"{path}:4: aws.max_in_flight: must be a valid integer, unable to parse string as an integer",
            f"{path}:6: events.poll: must be a duration with a unit, such as 30s, 5m, 6h or 1d",
            f"{path}:7: destinations[0].webhook_url: is required",
            f"{path}:10: destinations[0].webhook_uri: unknown setting; did you mean `webhook_url`?",
            f"{path}:11: destinations[1]: needs a `type`: sns, slack or webhook",
        ]
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("aws = 5", "aws: must be a table"),
        ("destinations = 5", "destinations: must be a list"),
        ('[log]\nlevel = "loud"', "log.level: must be 'debug', 'info', 'warning' or 'error'"),
        ("[accounts]\nids = [111122223333]", "in quotes"),
        ('[sweep]\ninterval = "1h"\ncron = "0 * * * *"', "either `interval` or `cron`"),
        ('[sweep]\ncron = "61 * * * *"', "sweep.cron: must be five cron fields"),
        ('[sweep]\ninterval = "1s"', "sweep.interval: must be between 1m and 7d"),
        ('[refresh]\nquiet = "1m"', "`max_delay` must not be shorter"),
        ('queues = ["https://h/1/q", "https://h/1/q"]', "several queues have the URL"),
        ('queues = ["https://h"]', "queues[0].url: must be the URL of a queue"),
        ('queues = ["https://u:p@h/1/q"]', "queues[0].url: must be the URL of a queue"),
        ('queues = "https://h/1/q"\n[shutdown]\ndeadline = "5s"', "`events.poll` must be shorter"),
        ('[rules]\nenable = ["bukcet-name"]', "did you mean bucket-name?"),
        ('[rules]\nname_pattern = "("', "rules.name_pattern: must be a regular expression"),
        ('[accounts]\nregions = ["eu-west-1"]\nexclude_regions = ["eu-west-1"]', "both name eu-west-1"),
        ("[http]\nport = 1\nport = 2", "is not TOML: Cannot overwrite a value"),
    ],
)
def test_a_mistake_is_told_in_words(text: str, complaint: str, write: Write) -> None:
    """Every complaint says what would be right."""
    (told,) = _complaints(write(text))
    assert complaint in told


def test_a_file_that_is_not_there_is_a_complaint(tmp_path: Path) -> None:
    """Together with whatever else is wrong."""
    path = tmp_path / "nowhere.toml"
    assert _complaints(path, {"S3WARDEN_LGO__LEVEL": "info"}) == [
        "env:S3WARDEN_LGO__LEVEL: unknown setting; did you mean `S3WARDEN_LOG__LEVEL`?",
        f"{path}: cannot be read: No such file or directory",
    ]


def test_a_file_that_is_not_text_is_a_complaint(tmp_path: Path) -> None:
    """And its bytes are not quoted."""
    path = tmp_path / "config.toml"
    path.write_bytes(b"a = '\xff\xfe'")
    assert _complaints(path) == [f"{path}: is not UTF-8 text"]


def test_two_destinations_need_two_names(write: Write) -> None:
    """The name is a metric label and the key of the outbox."""
    one = '[[destinations]]\ntype = "slack"\nname = "a"\nwebhook_url = "env:A"\n'
    assert _complaints(write(one * 2)) == ["several destinations have the name a"]


def test_every_setting_can_be_a_variable() -> None:
    """The names are the paths, and no two paths share a name."""
    assert len(variables()) == len(leaves())
    assert variables()["S3WARDEN_AWS__EXTERNAL_ID"] == ("aws", "external_id")


def test_an_empty_variable_counts_as_not_set() -> None:
    """Templates of deployments leave them behind."""
    assert _load(environ={"S3WARDEN_QUEUES": "", "S3WARDEN_HTTP__PORT": ""}).settings == Settings()


def test_variables_of_others_are_left_alone() -> None:
    """The image, the command line and Kubernetes put variables there that are no settings."""
    environ = {
        "S3WARDEN_CONFIG": "/etc/x.toml",
        "S3WARDEN_REVISION": "abc",
        "S3WARDEN_PORT": "tcp://10.0.0.1:9456",
        "S3WARDEN_SERVICE_HOST": "10.0.0.1",
        "S3WARDEN_SERVICE_PORT": "9456",
        "S3WARDEN_SERVICE_PORT_HTTP": "9456",
        "S3WARDEN_PORT_9456_TCP": "tcp://10.0.0.1:9456",
        "S3WARDEN_PORT_9456_TCP_ADDR": "10.0.0.1",
        "S3WARDEN_METRICS_PORT": "tcp://10.0.0.1:9456",
        "PATH": "/bin",
    }
    assert _load(environ=environ).settings == Settings()


def test_lists_and_tables_in_variables() -> None:
    """Commas or JSON; numbers and switches as texts."""
    settings = _load(
        environ={
            "S3WARDEN_ACCOUNTS__IDS": "000000000001,111122223333",
            "S3WARDEN_RULES__TAG_PATTERNS": '{"Environment": "dev|prod"}',
            "S3WARDEN_SWEEP__ON_START": "false",
            "S3WARDEN_DESTINATIONS": '[{"type": "slack", "name": "a", "webhook_url": "env:A", "categories": "access"}]',
        }
    ).settings
    assert settings.accounts.ids == ("000000000001", "111122223333")
    assert settings.rules.tag_patterns == {"Environment": "dev|prod"}
    assert settings.sweep.on_start is False
    assert settings.destinations[0].categories == ("access",)


def test_settings_cannot_be_changed() -> None:
    """What was checked stays as it was checked."""
    with pytest.raises(ValueError, match="frozen"):
        Settings().http.port = 1


def test_warnings_name_what_is_allowed_and_unwise(write: Write) -> None:
    """A sweep alone, nobody told, and a secret in the file work; a reference is no cause for a warning."""
    slack = '[[destinations]]\ntype = "slack"\nname = "{}"\nwebhook_url = "{}"\n'
    path = write(
        '[store]\nurl = "postgresql://u:p@h/d"\n' + slack.format("a", "https://h/x") + slack.format("b", "env:B")
    )
    warnings = [str(warning) for warning in _load(path).warnings]
    assert [warning.split(": ")[:2] for warning in warnings] == [
        ["queues", "no queue is set"],
        [f"{path}:6", "destinations[0].webhook_url"],
        [f"{path}:2", "store.url"],
    ]
    assert [str(warning) for warning in _load().warnings][1].startswith("destinations: nobody is told")


def test_the_digest_follows_every_value_but_secrets() -> None:
    """Two replicas with the same settings show the same hash; the hash cannot be used to guess a secret."""
    plain = _load().digest
    assert _load(environ={"S3WARDEN_HTTP__PORT": "1"}).digest != plain
    secret = [_load(environ={"S3WARDEN_AWS__EXTERNAL_ID": text}).digest for text in ("one", "two")]
    assert secret[0] == secret[1] != plain
