"""Every knob of the process, read once, in app.py: environment, then `.env`, then `wainao.toml`, then the default."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

AES_KEY_LENGTH = 43


class Settings(BaseSettings):
    """All settings; each is `WAINAO_` plus the name in capitals, flat."""

    model_config = SettingsConfigDict(
        env_prefix="WAINAO_", env_file=".env", toml_file="wainao.toml", extra="ignore", frozen=True
    )

    home: Path = Field(Path(".wainao"), description="Data folder: database, indexes, uploads.")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the data folder.")
    chroma_url: str = Field("", description="http://host:port of a Chroma server; empty: embedded in the data folder.")
    embedder: str = Field("own", description="`own`, `hash`, a model's name or folder, or http(s)://host/v1#model.")
    embedder_api_key: SecretStr = Field(SecretStr(""), description="Key of an embedder's endpoint.")
    embedder_timeout_s: float = Field(3.0, gt=0, le=60, description="The most a question waits for an endpoint, s.")
    embedder_question_instruction: str = Field("", description="Put before questions; empty: as the model's family.")
    embedder_passage_instruction: str = Field("", description="Put before passages; empty: as the model's family.")
    reranker: str = Field("", description="A CrossEncoder's name or folder; empty: built-in features only.")
    reranker_top_n: int = Field(20, ge=2, le=100, description="First candidates that the reranker judges.")
    reranker_timeout_s: float = Field(3.0, gt=0, le=60, description="The most a question waits for the reranker, s.")

    llm_base_url: str = Field("", description="OpenAI-compatible endpoint; empty: the offline composer drafts alone.")
    llm_api_key: SecretStr = Field(SecretStr(""), description="Key of the endpoint.")
    llm_model: str = Field("", description="Model name at the endpoint.")
    llm_timeout_s: float = Field(8.0, gt=0, le=300, description="Wall clock for all a model does for one draft, s.")
    llm_structured: str = Field("json_schema", description="json_schema, function_calling or json_mode.")
    llm_context_tokens: int = Field(6000, ge=500, description="Largest prompt sent to the model, tokens.")

    wecom_corp_id: str = Field("", description="Corp id (企业ID).")
    wecom_agent_id: str = Field("", description="Agent id of the self-built app.")
    wecom_secret: SecretStr = Field(SecretStr(""), description="Secret of the self-built app.")
    wecom_token: SecretStr = Field(SecretStr(""), description="Callback token of the self-built app.")
    wecom_aes_key: SecretStr = Field(SecretStr(""), description="Callback EncodingAESKey, 43 characters.")
    wecom_api_base: str = Field("https://qyapi.weixin.qq.com/cgi-bin/", description="API base, ends in /cgi-bin/.")
    wecom_oauth_base: str = Field("https://open.weixin.qq.com", description="Host of OAuth inside WeCom.")
    wecom_login_base: str = Field("https://login.work.weixin.qq.com", description="Host of web login.")
    wecom_bot_token: SecretStr = Field(SecretStr(""), description="Callback token of the AI bot.")
    wecom_bot_aes_key: SecretStr = Field(SecretStr(""), description="EncodingAESKey of the AI bot, 43 characters.")
    wecom_cards: bool = Field(False, description="Send the second message as a button card instead of text.")
    wecom_messages_per_minute: int = Field(30, ge=1, le=30, description="App messages to one member in a minute.")
    wecom_duplicate_check_s: int = Field(120, ge=1, le=14400, description="duplicate_check_interval of every send, s.")
    wecom_max_age_s: int = Field(300, ge=10, description="Oldest accepted callback timestamp, s.")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on.")
    console_secure: bool = Field(False, description="Mark the console's cookies Secure also where a proxy ends TLS.")
    workers: int = Field(1, ge=1, le=16, description="Worker processes that draft.")
    retrieval_top_k: int = Field(8, ge=1, le=50, description="Passages per draft.")
    decision_timeout_hours: int = Field(24, ge=1, description="After this a draft without a decision is `ignored`, h.")
    ticket_due_hours: int = Field(4, ge=1, description="Clock of a help ticket at the middle office, h.")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @field_validator("wecom_aes_key", "wecom_bot_aes_key")
    @classmethod
    def _aes_key_has_43_characters(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and len(value.get_secret_value()) != AES_KEY_LENGTH:
            raise ValueError(f"EncodingAESKey must have {AES_KEY_LENGTH} characters")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_is_sqlite_or_postgresql(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("use sqlite:///file.db or postgresql://...")
        return value

    @field_validator("wecom_api_base")
    @classmethod
    def _api_base_ends_with_a_slash(cls, value: str) -> str:
        return value.rstrip("/") + "/"

    def handover(self) -> bytes:
        """One line with every value, secrets included, for the standard input of a worker process."""
        values = {name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in self}
        return json.dumps(values, default=str, ensure_ascii=False).encode() + b"\n"

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'wainao.db'}"

    @property
    def wecom_configured(self) -> bool:
        """Whether the app door has all it needs."""
        secrets = (self.wecom_secret, self.wecom_token, self.wecom_aes_key)
        return bool(self.wecom_corp_id and self.wecom_agent_id) and all(s.get_secret_value() for s in secrets)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then `.env`, then `wainao.toml`."""
        return (init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls))


def received(line: bytes) -> Settings:
    """The settings that a parent process handed over."""
    return Settings(**json.loads(line))


def values_by_source() -> dict[str, dict[str, Any]]:
    """What each source says, the first one winning: environment, .env, wainao.toml."""
    return {
        "environment": EnvSettingsSource(Settings)(),
        ".env": DotEnvSettingsSource(Settings)(),
        "wainao.toml": TomlConfigSettingsSource(Settings)(),
    }


def explain(settings: Settings, sources: dict[str, dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Each setting as (name, value with secrets masked, where it came from).

    Args:
        sources: values by source label, first label wins.
    """
    rows = []
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        shown = ("******" if value.get_secret_value() else "") if isinstance(value, SecretStr) else str(value)
        origin = next((label for label, values in sources.items() if name in values), "default")
        rows.append((f"WAINAO_{name.upper()}", shown, origin))
    return rows
