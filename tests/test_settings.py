"""Settings: which of flag, environment, panel.toml and default counts, and how a bad one is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from panel.errors import SettingsError
from panel.settings import DEFAULT_MODEL, RetrySettings, Settings, find

KEYS = (
    "valid keys: model, models, fallbacks, servers, parallel, limits, prices, mode, samples, max_tokens, effort, "
    "timeout_s, retry, runs, ledgers"
)
MODEL_HINT = "write provider:name, such as anthropic:claude-sonnet-5-5, openai:gpt-6.1-sol or manual:chat"
EFFORT_HINT = "should be 'low', 'medium', 'high', 'xhigh' or 'max'"
TOO_MANY = "should be less than or equal to 20, not '99'"
SAMPLES_HINT = 'write a number from 1 to 9, or "auto"'


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder is one that has no panel.toml in it or above it."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


def load(
    folder: Path, toml: str, flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Return the settings of a project in `folder`."""
    (folder / "panel.toml").write_text(toml, encoding="utf-8")
    return Settings.load(folder, flags or {}, environ or {})


def refusal(
    folder: Path, toml: str, flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> SettingsError:
    """Return the error with which settings are refused."""
    with pytest.raises(SettingsError) as caught:
        load(folder, toml, flags, environ)
    return caught.value


@pytest.mark.parametrize(
    ("toml", "environ", "flag", "expected", "origin"),
    [
        pytest.param("t:toml", "e:env", "f:flag", "f:flag", "flag", id="flag first"),
        pytest.param("t:toml", "e:env", None, "e:env", "environment", id="environment second"),
        pytest.param("t:toml", None, "f:flag", "f:flag", "flag", id="flag before panel.toml"),
        pytest.param("t:toml", None, None, "t:toml", "panel.toml", id="panel.toml third"),
        pytest.param(None, "e:env", None, "e:env", "environment", id="environment alone"),
        pytest.param(None, None, None, DEFAULT_MODEL, "default", id="default last"),
        pytest.param("t:toml", "", None, "t:toml", "panel.toml", id="an empty variable is none"),
    ],
)
def test_precedence(
    tmp_path: Path, toml: str | None, environ: str | None, flag: str | None, expected: str, origin: str
) -> None:
    """A flag goes before the environment, that before panel.toml, that before the default; the origin is kept."""
    text = f'model = "{toml}"\n' if toml else ""
    settings = load(tmp_path, text, {"model": flag}, {} if environ is None else {"PANEL_MODEL": environ})
    place = str(tmp_path / "panel.toml") if origin == "panel.toml" else origin

    assert (expected, place) == (settings.model, settings.origins["model"])


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        pytest.param("mode", "replay", "replay", id="mode"),
        pytest.param("samples", "3", 3, id="samples"),
        pytest.param("samples", "auto", "auto", id="samples as the score asks"),
        pytest.param("effort", "high", "high", id="effort"),
        pytest.param("model", "fake:ship", "fake:ship", id="model"),
    ],
)
def test_the_environment_sets(tmp_path: Path, key: str, value: str, expected: object) -> None:
    """PANEL_ and the key in capitals sets what is set without a file."""
    settings = load(tmp_path, "", None, {f"PANEL_{key.upper()}": value})

    assert (expected, "environment") == (getattr(settings, key), settings.origins[key])


def test_every_key_of_the_file_is_read(tmp_path: Path) -> None:
    """Whatever can be set is read from panel.toml."""
    settings = load(
        tmp_path,
        'model = "a:b"\nmode = "live"\nsamples = 5\nmax_tokens = 4000\neffort = "low"\ntimeout_s = 20\n'
        'runs = "out"\nledgers = ["x", "/y"]\n[retry]\nattempts = 2\ncap_s = 3.5\ndeadline_s = 40\n',
    )
    retry = RetrySettings(attempts=2, cap_s=3.5, deadline_s=40)

    assert ("a:b", "live", 5, 4000, "low", 20) == (
        settings.model,
        settings.mode,
        settings.samples,
        settings.max_tokens,
        settings.effort,
        settings.timeout_s,
    )
    assert (retry, tmp_path / "out", (tmp_path / "x", Path("/y"))) == (settings.retry, settings.runs, settings.ledgers)


def test_origins_are_told_for_every_key(tmp_path: Path) -> None:
    """Each setting knows where it came from."""
    origins = load(tmp_path, "samples = 2\n", {"mode": "live"}, {"PANEL_EFFORT": "low"}).origins
    told = {key: origin for key, origin in origins.items() if origin != "default"}

    assert {"samples": str(tmp_path / "panel.toml"), "mode": "flag", "effort": "environment"} == told


@pytest.mark.parametrize(
    ("toml", "fault"),
    [
        pytest.param('model = "gpt"\n', f"1: model: {MODEL_HINT}", id="model without provider"),
        pytest.param('# m\n\n"model" = 5\n', f"3: model: {MODEL_HINT}", id="model a number"),
        pytest.param("mode = 'lvie'\n", "1: mode: write live, replay, fresh or auto", id="mode"),
        pytest.param("samples = 0\n", f"1: samples: {SAMPLES_HINT}", id="no samples"),
        pytest.param("samples = 10\n", f"1: samples: {SAMPLES_HINT}", id="many samples"),
        pytest.param("samples = true\n", f"1: samples: {SAMPLES_HINT}", id="samples a truth value"),
        pytest.param("\nmax_tokens = 255\n", "2: max_tokens: should be greater than or equal to 256", id="few"),
        pytest.param("effort = 'extreme'\n", f"1: effort: {EFFORT_HINT}, not 'extreme'", id="effort"),
        pytest.param("timeout_s = 0\n", "1: timeout_s: should be greater than 0, not '0'", id="no time"),
        pytest.param("timeout_s = nan\n", "1: timeout_s: should be less than or equal to 3600", id="no number"),
        pytest.param("ledgers = 'x'\n", "1: ledgers: should be a valid tuple, not 'x'", id="ledgers a text"),
        pytest.param("modle = 'a:b'\n", "1: modle: unknown key; did you mean mode?", id="typo"),
        pytest.param("\n[people]\nmodel = 'a:b'\n", f"2: people: unknown key; {KEYS}", id="unknown table"),
        pytest.param("attempts = 3\n", f"1: attempts: unknown key; {KEYS}", id="key of retry outside of it"),
        pytest.param("project = '.'\n", f"1: project: unknown key; {KEYS}", id="what only code sets"),
        pytest.param("x = 1\norigins = {}\n", f"2: origins: unknown key; {KEYS}", id="origins"),
        pytest.param("[models]\n\nskeptic = 'gpt'\n", f"3: models.skeptic: {MODEL_HINT}", id="model of a seat"),
        pytest.param("fallbacks = 'a:b'\n", f"1: fallbacks: write a list of models; {MODEL_HINT}", id="fallbacks"),
        pytest.param("[servers]\nlab = 'lab:80'\n", "2: servers.lab: write a name in lower case and", id="address"),
        pytest.param("[servers]\nlab = 'http://me:pw@lab'\n", "2: servers.lab: write a name in", id="password"),
        pytest.param("[servers]\nLab = 'http://lab'\n", "2: servers.Lab: write a name in lower case", id="server"),
        pytest.param(
            "[servers]\nopenai = 'http://lab'\n",
            "2: servers.openai: 'openai' has an address of its own; name the server otherwise",
            id="a vendor's name",
        ),
        pytest.param("parallel = 0\n", "1: parallel: should be greater than or equal to 1, not '0'", id="parallel"),
        pytest.param("retry = 5\n", "1: retry: should be a valid dictionary or", id="retry"),
        pytest.param("[retry]\nattempts = 99\n", f"2: retry.attempts: {TOO_MANY}", id="inner"),
        pytest.param("[retry]\natempts = 3\n", "2: retry.atempts: unknown key; did you mean attempts?", id="in retry"),
        pytest.param("retry = {attempts = 99}\n", f"1: retry.attempts: {TOO_MANY}", id="inline"),
        pytest.param("\nretry.attempts = 99\n", f"2: retry.attempts: {TOO_MANY}", id="dotted"),
        pytest.param(
            "model = 'a:b'\n[retry]\nmodel = 'a:b'\n",
            "3: retry.model: unknown key; valid keys: attempts, cap_s, deadline_s",
            id="a key of the file in retry",
        ),
        pytest.param('[limits."a:b"]\nrpm = 0\n', "2: limits.a:b.rpm: should be greater than or equal to 1", id="rpm"),
        pytest.param('[limits."a:b"]\n\ntpm = "x"\n', "3: limits.a:b.tpm: should be a valid integer", id="tpm"),
        pytest.param("[limits.a]\nconcurency = 3\n", "2: limits.a.concurency: unknown key; did you", id="in limits"),
        pytest.param("[limits]\nrpm = 60\n", "2: limits.rpm: write a table a model: [limits.", id="limit of nobody"),
        pytest.param('[limits."A B"]\nrpm = 60\n', "1: limits.A B: write a table a model: [limits.", id="limited"),
        pytest.param('[prices."a:b"]\ninput = 1\n', "1: prices.a:b.output: is missing", id="half a price"),
        pytest.param(
            '[prices."a:b"]\ninput = -1\noutput = 1\n',
            "2: prices.a:b.input: should be greater than or equal to 0",
            id="price",
        ),
        pytest.param(
            "[prices.a]\ninput = 1\noutput = nan\n", "3: prices.a.output: should be a finite number", id="no price"
        ),
        pytest.param("[prices]\na = 5\n", "2: prices.a: write a table a model: [prices.", id="price a number"),
        pytest.param("samples = 1\nsamples = 2\n", "2: is not TOML: Cannot overwrite a value", id="key twice"),
        pytest.param("\nx = = 1\n", "2: is not TOML: Invalid value (at line 2, column 5)", id="no TOML"),
    ],
)  # fmt: skip
def test_a_bad_setting_in_the_file_is_told_with_its_place(tmp_path: Path, toml: str, fault: str) -> None:
    """A bad value or unknown key in panel.toml is told with file, line, key and what to write."""
    error = refusal(tmp_path, toml)
    told = str(error).splitlines()[-1]

    assert f"{tmp_path / 'panel.toml'}:{fault}" == told[: len(f"{tmp_path / 'panel.toml'}:{fault}")]
    assert error.exit_code == 2


def test_a_deep_nest_in_the_file_is_told(tmp_path: Path) -> None:
    """A panel.toml that nests without end is told as any other that is no TOML."""
    message = str(refusal(tmp_path, f"x = {'[' * 5_000}\n"))

    assert message.startswith(f"{tmp_path / 'panel.toml'}: is not TOML: ")


@pytest.mark.parametrize(
    ("flags", "environ", "expected"),
    [
        pytest.param({"samples": "0"}, {}, f"--samples: {SAMPLES_HINT}", id="flag"),
        pytest.param({"model": "gpt"}, {"PANEL_MODEL": "a:b"}, f"--model: {MODEL_HINT}", id="flag before variable"),
        pytest.param({"mode": "now"}, {}, "--mode: write live, replay, fresh or auto", id="mode"),
        pytest.param({}, {"PANEL_SAMPLES": "many"}, f"PANEL_SAMPLES: {SAMPLES_HINT}", id="variable"),
        pytest.param({}, {"PANEL_MODE": "now"}, "PANEL_MODE: write live, replay, fresh or auto", id="mode too"),
        pytest.param({}, {"PANEL_EFFORT": "x"}, f"PANEL_EFFORT: {EFFORT_HINT}, not 'x'", id="effort"),
    ],
)  # fmt: skip
def test_a_bad_flag_or_variable_is_told_by_its_name(
    tmp_path: Path, flags: Mapping[str, object], environ: Mapping[str, str], expected: str
) -> None:
    """A bad value is told with the flag or the variable that it came from, even where panel.toml sets it well."""
    assert expected == str(refusal(tmp_path, "samples = 2\nmode = 'live'\n", flags, environ))


def test_a_flag_mends_what_the_file_has_wrong(tmp_path: Path) -> None:
    """A bad value that a flag goes before is not read."""
    assert 3 == load(tmp_path, "samples = 0\n", {"samples": "3"}).samples


def test_all_bad_settings_are_told_at_once(tmp_path: Path) -> None:
    """Bad values of flags, environment and file are told together, two of one table too."""
    toml = "mode = 'x'\n[retry]\nattempts = 0\ncap_s = -1\n"
    told = str(refusal(tmp_path, toml, {"model": "x"}, {"PANEL_SAMPLES": "x"})).splitlines()
    file = tmp_path / "panel.toml"

    assert {"--model", f"{file}:1: mode", "PANEL_SAMPLES", f"{file}:3: retry.attempts", f"{file}:4: retry.cap_s"} == {
        ": ".join(line.split(": ")[:2]) if line.startswith("/") else line.split(": ")[0] for line in told
    }


def test_the_file_must_be_utf_8(tmp_path: Path) -> None:
    """A panel.toml in another encoding is told with its line."""
    (tmp_path / "panel.toml").write_bytes(b'model = "a:b"\n# caf\xe9\n')
    with pytest.raises(SettingsError) as caught:
        Settings.load(tmp_path, {}, {})

    assert f"{tmp_path / 'panel.toml'}:2: is not UTF-8; save it as UTF-8" == str(caught.value)


def test_the_nearest_file_above_counts(tmp_path: Path) -> None:
    """panel.toml is found in the folder of the dossier, else in the nearest folder above it."""
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (tmp_path / "panel.toml").write_text("samples = 2\n")
    (tmp_path / "a" / "panel.toml").write_text("samples = 3\n")

    assert tmp_path / "a" / "panel.toml" == find(deep)
    assert (3, tmp_path / "a") == (Settings.load(deep, {}, {}).samples, Settings.load(deep, {}, {}).project)


def test_a_folder_of_that_name_is_no_file(tmp_path: Path) -> None:
    """A folder called panel.toml is passed by."""
    (tmp_path / "a" / "panel.toml").mkdir(parents=True)
    (tmp_path / "panel.toml").write_text("")

    assert tmp_path / "panel.toml" == find(tmp_path / "a")


def test_the_working_folder_is_looked_in_after_the_dossier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no panel.toml is near the dossier, the one of the working folder counts, and the dossier's goes before."""
    for name in ("work", "dossiers", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "work" / "panel.toml").write_text("samples = 4\n")
    (tmp_path / "other" / "panel.toml").write_text("samples = 5\n")
    monkeypatch.chdir(tmp_path / "work")

    assert [4, 5] == [Settings.load(tmp_path / name, {}, {}).samples for name in ("dossiers", "other")]


def test_without_a_file_the_working_folder_is_the_project(tmp_path: Path) -> None:
    """Without any panel.toml all is default, and records go to runs/ in the working folder."""
    settings = Settings.load(tmp_path, {}, {})
    here = tmp_path / "elsewhere"

    assert (here, here / "runs", ()) == (settings.project, settings.runs, settings.ledgers)
    assert {"default"} == set(settings.origins.values())


@pytest.mark.parametrize(
    ("toml", "flags", "environ", "expected"),
    [
        pytest.param("", {}, {}, "runs", id="default, from the project"),
        pytest.param("runs = 'out/x'\n", {}, {}, "out/x", id="file, from the project"),
        pytest.param("runs = '../up'\n", {}, {}, "../up", id="file, upwards"),
        pytest.param("runs = 'out'\n", {"runs": Path("mine")}, {}, "elsewhere/mine", id="flag, from here"),
        pytest.param("runs = 'out'\n", {}, {"PANEL_RUNS": "mine"}, "elsewhere/mine", id="variable, from here"),
        pytest.param("runs = '/abs'\n", {}, {}, "/abs", id="absolute"),
    ],
)
def test_where_runs_are(
    tmp_path: Path, toml: str, flags: Mapping[str, object], environ: Mapping[str, str], expected: str
) -> None:
    """A path in panel.toml is taken from its folder, one of a flag or variable from the working folder."""
    assert (tmp_path / expected).resolve() == load(tmp_path, toml, flags, environ).runs


def test_ledgers_are_taken_from_the_project(tmp_path: Path) -> None:
    """Ledgers named in panel.toml are taken from its folder, whatever the working folder is."""
    settings = load(tmp_path, "ledgers = ['recordings', '../shared']\n")

    assert (tmp_path / "recordings", tmp_path.parent / "shared") == settings.ledgers


def test_settings_are_frozen(tmp_path: Path) -> None:
    """Nothing can change a setting after it was read."""
    settings = load(tmp_path, "")
    with pytest.raises(ValueError, match="frozen"):
        settings.samples = 3  # type: ignore[misc]
