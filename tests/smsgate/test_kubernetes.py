"""deploy/kubernetes is parsed and held against the settings and itself. No cluster has run it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from companion_api.wait import LONGEST_WAIT
from smsgate import config
from smsgate.config import PROJECT_DIR
from tests.smsgate.test_compose import image_environment, names_that_are_read

FOLDER = PROJECT_DIR / "deploy" / "kubernetes"
OURS = ("web", "worker", "beat")
UNHEARD_SECONDS = 25  # a drained process's own end, as docs/operating.md says of containers

Object = dict[str, Any]


def documents(file: Path) -> list[Object]:
    return list(yaml.safe_load_all(file.read_text()))


@pytest.fixture(scope="module")
def kustomization() -> Object:
    (found,) = documents(FOLDER / "kustomization.yaml")
    return found


@pytest.fixture(scope="module")
def objects(kustomization: Object) -> dict[tuple[str, str], Object]:
    every = [each for name in kustomization["resources"] for each in documents(FOLDER / name)]
    named = {(each["kind"], each["metadata"]["name"]): each for each in every}
    assert len(named) == len(every)
    return named


@pytest.fixture(scope="module")
def settings(kustomization: Object) -> dict[str, str]:
    (generated,) = kustomization["configMapGenerator"]
    return dict(line.split("=", 1) for line in generated["literals"])


def pod(objects: dict[tuple[str, str], Object], name: str) -> Object:
    spec: Object = objects["Deployment", name]["spec"]["template"]["spec"]
    return spec


def container(objects: dict[tuple[str, str], Object], name: str) -> Object:
    (only,) = pod(objects, name)["containers"]
    return dict(only)


def test_every_file_is_applied_but_the_secrets_example(kustomization: Object) -> None:
    files = {file.name for file in FOLDER.glob("*.yaml")}
    assert files == {*kustomization["resources"], "kustomization.yaml", "secret.example.yaml"}


def test_selectors_find_their_pods(objects: dict[tuple[str, str], Object]) -> None:
    labels = {
        name: each["spec"]["template"]["metadata"]["labels"]
        for (kind, name), each in objects.items()
        if kind == "Deployment"
    }
    assert set(labels) == {*OURS, "redis"}
    for (kind, name), each in objects.items():
        if kind in {"Deployment", "PodDisruptionBudget"}:
            assert each["spec"]["selector"]["matchLabels"] == labels[name]
        elif kind == "Service":
            assert each["spec"]["selector"] == labels[name]
            ports = {port["name"] for port in container(objects, name)["ports"]}
            assert {port["targetPort"] for port in each["spec"]["ports"]} <= ports
        elif kind == "HorizontalPodAutoscaler":
            assert each["spec"]["scaleTargetRef"]["name"] in labels


def test_the_settings_are_read_and_start_a_process(
    objects: dict[tuple[str, str], Object], settings: dict[str, str]
) -> None:
    for name in OURS:
        given = {each["name"]: each.get("value") for each in container(objects, name)["env"]}
        assert given["SMSGATE_PROCESS"] == name
        beside = {"REDIS_PASSWORD"}  # stands in REDIS_URL
        assert {*given, *settings} - beside <= names_that_are_read()
        secrets = {name: "x" * 64 for name, value in given.items() if value is None}
        filled = {k: re.sub(r"\$\((\w+)\)", r"\1", v) for k, v in given.items() if v is not None}
        database = {"DATABASE_URL": "postgresql://smsgate:x@postgres-rw:5432/smsgate"}
        environ = image_environment() | settings | secrets | filled | database
        loaded = config.load(environ, Path("/nowhere"))
        assert not loaded.tls_port
        assert loaded.web_processes == int(settings["WEB_PROCESSES"])


def test_every_secret_that_is_named_is_in_the_example_or_made_by_the_operator(
    objects: dict[tuple[str, str], Object],
) -> None:
    (example,) = documents(FOLDER / "secret.example.yaml")
    known = {("smsgate", key) for key in example["stringData"]} | {("postgres-app", "uri")}
    assert ("Cluster", "postgres") in objects  # whose secret for its owner is `postgres-app`
    named = {
        (each["valueFrom"]["secretKeyRef"]["name"], each["valueFrom"]["secretKeyRef"]["key"])
        for name in (*OURS, "redis")
        for each in container(objects, name)["env"]
        if "valueFrom" in each
    }
    assert named == known
    assert not any(example["stringData"].values()), "a secret lies in the repository"


def test_a_web_pod_drains_within_its_grace(
    objects: dict[tuple[str, str], Object], settings: dict[str, str]
) -> None:
    web = container(objects, "web")
    drain = int(settings["DRAIN_SECONDS"])
    assert pod(objects, "web")["terminationGracePeriodSeconds"] >= drain + UNHEARD_SECONDS
    ready = web["readinessProbe"]
    assert ready["httpGet"]["path"] == "/readyz/"
    assert ready["periodSeconds"] * (ready["failureThreshold"] + 1) < drain
    assert web["livenessProbe"]["httpGet"]["path"] == "/healthz/"
    assert LONGEST_WAIT < 60  # a usual ingress ends a request after that


def test_postgres_has_a_connection_for_everybody(
    objects: dict[tuple[str, str], Object], settings: dict[str, str]
) -> None:
    most = objects["HorizontalPodAutoscaler", "web"]["spec"]["maxReplicas"]
    surge = objects["Deployment", "web"]["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
    each = int(settings["WEB_PROCESSES"]) * (int(settings["WEB_THREADS"]) + 3)
    jobs = [objects["Deployment", name]["spec"]["replicas"] for name in ("worker", "beat")]
    postgres = objects["Cluster", "postgres"]["spec"]["postgresql"]
    allowed = int(postgres["parameters"]["max_connections"])
    assert (most + surge) * each + 10 * sum(jobs) + 8 < allowed


@pytest.mark.parametrize("name", [*OURS, "redis"])
def test_a_pod_has_no_more_rights_than_it_needs(
    objects: dict[tuple[str, str], Object], name: str
) -> None:
    assert objects["Namespace", "smsgate"]["metadata"]["labels"][
        "pod-security.kubernetes.io/enforce"
    ] == "restricted"  # fmt: skip
    spec, only = pod(objects, name), container(objects, name)
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not spec["automountServiceAccountToken"]
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    mounts = {mount["name"] for mount in only["volumeMounts"]}
    assert mounts == {volume["name"] for volume in spec["volumes"]}
    assert "limits" in only["resources"]
