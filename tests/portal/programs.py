"""A program of a bank as it would be written: gets a token by its key and signs its writes."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms
from httpx2 import Response
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.testclient import TestClient

from xinqiao.account.signature import COVERED, TAG, Sent, digest_header
from xinqiao.kernel.clock import now

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def new_key() -> ECKey:
    return ECKey.generate_key("P-256", auto_kid=True)


def public(*keys: ECKey) -> dict[str, Any]:
    return {"keys": [dict(key.as_dict(private=False)) for key in keys]}


def assertion(client_id: str, key: ECKey, audience: str, **changed: object) -> str:
    at = int(now().timestamp())
    claims: dict[str, Any] = {"iss": client_id, "sub": client_id, "aud": audience, "iat": at, "exp": at + 120}
    claims |= {"jti": uuid.uuid4().hex} | changed
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)


@dataclass
class Program:
    """A client with its private key."""

    http: TestClient
    id: str
    key: ECKey
    address: str = "http://testserver"

    def ask_token(self, told: str | None = None, scope: str = "") -> Response:
        proof = told or assertion(self.id, self.key, f"{self.address}/api/v1/token")
        fields = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
        return self.http.post("/api/v1/token", data={**fields, "client_assertion": proof, "scope": scope})

    def token(self) -> str:
        answer = self.ask_token()
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def headers(
        self, token: str, method: str, path: str, body: bytes, key: str = "k", **changed: object
    ) -> dict[str, str]:
        """The headers of a signed write; ``changed`` goes to the signer."""
        digest = digest_header(hashlib.sha256(body).digest())
        told = {"authorization": f"Bearer {token}", "idempotency-key": key, "content-digest": digest}
        sent = Sent(method, f"{self.address}{path}", told)
        keys = MappingKeyResolver(
            public_keys={}, private_keys={str(self.key.kid): self.key.get_op_key("sign")}
        )
        signer = HTTPMessageSigner(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=keys)
        options: dict[str, Any] = {"covered_component_ids": COVERED, "tag": TAG, "nonce": uuid.uuid4().hex}
        options["use_existing_digest"] = True
        options["created"] = datetime.now(UTC)
        signer.sign(sent, key_id=str(self.key.kid), **options | changed)
        return {**sent.headers, "content-type": "application/json"}

    def post(self, path: str, told: Mapping[str, Any], headers: dict[str, str] | None = None) -> Response:
        body = json.dumps(told).encode()
        sent = headers or self.headers(self.token(), "POST", path, body)
        return self.http.post(path, content=body, headers=sent)  # type: ignore[no-any-return]
