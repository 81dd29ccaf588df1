"""Holds the rules for code forges, package registries and build services.

Formats are facts from the vendors' own documentation, named in each rule; patterns are our own.
"""

from __future__ import annotations

import re

from workbench.policy.detection.likeness import lively, random_looking
from workbench.policy.detection.rule import WORD_AFTER as END
from workbench.policy.detection.rule import WORD_BEFORE as START
from workbench.policy.detection.rule import Confidence, of_value, secret

_LIVELY = of_value(lively)

RULES = (
    secret(
        "github-token",
        "GitHub token",
        "GitHub changelog 2021-03-31, authentication token format updates; fine-grained tokens 2022-10-18",
        START + rb"(?:gh[pousr]_[A-Za-z0-9]{36,251}+|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})" + END,
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        check=_LIVELY,
    ),
    secret(
        "gitlab-token",
        "GitLab token",
        "GitLab documentation, token overview: token prefixes",
        START + rb"(?:gl(?:pat|oas|dt|rtr?|cbt|ptt|ft|imt|agent|wt|soat|ffct"
        rb"|sat)-[\w-]{20,300}+(?:\.[0-9a-z]{2}\.[0-9a-z]{9})?|GR1348941[\w-]{20})" + rb"(?![\w-])",
        "glpat- gloas- gldt- glrt- glrtr- glcbt- glptt- glft- glimt- glagent- glwt- glsoat- glffct- "
        "glsat- gr1348941",
        check=_LIVELY,
    ),
    secret(
        "atlassian-token",
        "Atlassian API token",
        "Atlassian support, manage API tokens for your account",
        START + rb"ATATT3[\w=-]{100,300}+|" + START + rb"ATC[BT]T3[\w=-]{80,300}+",
        "atatt3 atcbt3 atctt3",
    ),
    secret(
        "npm-token",
        "npm access token",
        "npm documentation, about access tokens",
        START + rb"npm_[A-Za-z0-9]{36}" + END,
        "npm_",
        check=_LIVELY,
    ),
    secret(
        "npmrc-auth",
        "registry credential in .npmrc form",
        "npm documentation, npmrc: auth-related configuration",
        rb":_(?:authToken|auth|password)[ \t]{0,4}+=[ \t]{0,4}+[\"']?([^\s\"'${}]{8,300}+)",
        ":_auth :_password",
        check=_LIVELY,
    ),
    secret(
        "pypi-token",
        "PyPI API token",
        "PyPI help, API tokens; pypitoken: macaroon serialisation",
        START + rb"pypi-AgE[\w-]{50,1000}+",
        "pypi-age",
        check=_LIVELY,
    ),
    secret(
        "registry-token",
        "package registry token (RubyGems, crates.io, NuGet, Clojars, Artifactory, Docker Hub)",
        "RubyGems, crates.io, NuGet, Clojars, JFrog and Docker documentation, access tokens",
        START + rb"(?:rubygems_[0-9a-f]{48}|cio[A-Za-z0-9]{32}|oy2[a-z0-9]{43}|CLOJARS_[a-z0-9]{60}"
        rb"|AKCp[A-Za-z0-9]{69}" + rb"|cmVmd[A-Za-z0-9]{59}|dckr_(?:pat|oat)_[\w-]{27,64}+)(?![\w-])",
        "rubygems_ cio oy2 clojars_ akcp cmvmd dckr_pat_ dckr_oat_",
        check=of_value(lambda value: lively(value) and re.search(rb"[0-9]", value[4:]) is not None),
    ),
    secret(
        "docker-auth",
        "container registry credential",
        "Docker documentation, docker login: credential stores",
        rb"\"auth\"[ \t]{0,4}+:[ \t]{0,4}+\"([A-Za-z0-9+/]{12,2000}+={0,2}+)\"",
        '"auth"',
        check=_LIVELY,
    ),
    secret(
        "bundler-credential",
        "Bundler gem server credential",
        "Bundler documentation, bundle config: credentials for gem sources",
        START + rb"BUNDLE_[A-Z0-9_]{3,60}?__COM[\"']?[ \t]{0,4}+[:=][ \t]{0,4}+[\"']?([^\s\"':@$]{3,80}+:"
        rb"[^\s\"';&$]{3,80}+)",
        "bundle_",
    ),
    secret(
        "nuget-password",
        "NuGet source password",
        "Microsoft Learn, nuget.config reference: packageSourceCredentials",
        rb"<add[ \t]{1,4}+key[ \t]{0,4}+=[ \t]{0,4}+\"(?:ClearText)?Password\"[ \t]{1,4}+value[ \t]{0,4}+="
        rb"[ \t]{0,4}+\"([^\"%\s]{8,200}+)\"",
        'password"',
        check=of_value(lambda value: len(set(value)) > 5 and b"xxx" not in value.lower()),
        confidence=Confidence.MEDIUM,
        flags=re.IGNORECASE,
    ),
    secret(
        "sonar-token",
        "SonarQube token",
        "SonarQube documentation, managing your tokens",
        START + rb"sq[upa]_[0-9a-zA-Z]{40}" + END,
        "squ_ sqp_ sqa_",
        check=_LIVELY,
    ),
    secret(
        "sourcegraph-token",
        "Sourcegraph access token",
        "Sourcegraph documentation, access tokens",
        START + rb"sgp_(?:[0-9a-fA-F]{16}_|local_)?[0-9a-fA-F]{40}" + END,
        "sgp_",
        check=_LIVELY,
    ),
    secret(
        "octopus-key",
        "Octopus Deploy API key",
        "Octopus Deploy documentation, how to create an API key",
        START + rb"API-[A-Z0-9]{26}" + END,
        "api-",
        check=of_value(lambda value: lively(value) and random_looking(value[4:])),
    ),
    secret(
        "sentry-token",
        "Sentry token",
        "Sentry documentation, auth tokens",
        START + rb"sntry[suai]_[A-Za-z0-9+/=_-]{60,400}+",
        "sntry",
        check=_LIVELY,
    ),
    secret(
        "grafana-token",
        "Grafana token",
        "Grafana documentation, service accounts and access policies",
        START + rb"(?:glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|glc_[A-Za-z0-9+/]{32,400}+={0,3}+)" + END,
        "glsa_ glc_",
        check=_LIVELY,
    ),
    secret(
        "monitoring-key",
        "New Relic key",
        "New Relic documentation, API keys",
        START + rb"(?:NRAK-[A-Z0-9]{27}|NRII-[\w-]{32}|NRJS-[0-9a-f]{19})" + END,
        "nrak- nrii- nrjs-",
        check=_LIVELY,
    ),
)
