"""Secrets from Secrets Manager and the Parameter Store, over the wire."""

import pytest

from s3warden.aws.secrets import SecretError, SecretResolver
from s3warden.aws.session import SessionConfig, Sessions
from s3warden.model.secret import SecretRef


async def test_both_stores_give_their_secrets(moto: str) -> None:
    """As text, by key, and decrypted."""
    async with Sessions(SessionConfig(region="eu-west-1", endpoint_url=moto)) as sessions:
        manager = await sessions.client("secretsmanager", region="eu-west-1")
        arn = (await manager.create_secret(Name="s3warden/slack", SecretString='{"url": "https://h/x"}'))["ARN"]
        store = await sessions.client("ssm", region="eu-west-1")
        await store.put_parameter(Name="/s3warden/key", Value="hush", Type="SecureString")
        resolver = SecretResolver(sessions)
        for text, secret in (
            ("secretsmanager:s3warden/slack#url", "https://h/x"),
            (f"secretsmanager:{arn}#url", "https://h/x"),
            ("ssm:/s3warden/key", "hush"),
        ):
            assert (await resolver.resolve(SecretRef.parse(text))).reveal() == secret
        for text, code in (("secretsmanager:none", "ResourceNotFoundException"), ("ssm:/none", "ParameterNotFound")):
            with pytest.raises(SecretError, match=code):
                await resolver.resolve(SecretRef.parse(text))
