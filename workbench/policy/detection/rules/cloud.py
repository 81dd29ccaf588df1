"""Holds the rules for cloud providers, infrastructure tools and model providers.

Formats are facts from the vendors' own documentation, named in each rule; patterns are our own.
"""

from __future__ import annotations

import re

from workbench.policy.detection.likeness import entropy, lively, random_looking
from workbench.policy.detection.rule import WORD_AFTER as END
from workbench.policy.detection.rule import WORD_BEFORE as START
from workbench.policy.detection.rule import Confidence, Hit, of_value, secret

_LIVELY = of_value(lively)


def _mixed_base64(hit: Hit) -> bool:
    value = hit.value
    return entropy(value) > 4 and lively(value) and re.search(rb"[A-Z]", value) is not None


RULES = (
    secret(
        "aws-access-key-id",
        "AWS access key",
        "AWS IAM User Guide, IAM identifiers: unique identifiers",
        START + rb"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}" + END,
        "akia asia abia acca",
        check=_LIVELY,
    ),
    secret(
        "aws-secret-access-key",
        "AWS secret access key",
        "AWS CLI User Guide, configuration and credential file settings",
        rb"(?:aws|amazon|secret)[\w .-]{0,24}+[\"']?[ \t]{0,4}+(?::"
        rb"|=>?)[ \t]{0,4}+[\"']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        "aws amazon",
        check=_mixed_base64,
        flags=re.IGNORECASE,
    ),
    secret(
        "aws-bedrock-key",
        "Amazon Bedrock API key",
        "Amazon Bedrock User Guide, API keys",
        START + rb"(?:ABSK[A-Za-z0-9+/]{109,269}+={0,2}+|bedrock-api-key-[A-Za-z0-9+/]{60,4000}+={0,2}+)",
        "absk bedrock-api-key-",
        check=of_value(lambda value: entropy(value) > 3.4 and b"=" not in value[:-2]),
    ),
    secret(
        "gcp-api-key",
        "Google Cloud API key",
        "Google Cloud, authenticate using API keys",
        START + rb"AIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])",
        "aiza",
        check=_LIVELY,
    ),
    secret(
        "gcp-oauth",
        "Google OAuth client secret, access or refresh token",
        "Google Identity, using OAuth 2.0 to access Google APIs",
        START + rb"(?:GOCSPX-[\w-]{28}|ya29\.[\w-]{30,2000}+|1//0[\w-]{40,200}+)(?![\w-])",
        "gocspx- ya29. 1//0",
        check=_LIVELY,
    ),
    secret(
        "gcp-service-account",
        "Google Cloud service account key file",
        "Google Cloud IAM, create and delete service account keys",
        rb"\"private_key_id\"[ \t]{0,4}+:[ \t]{0,4}+\"([0-9a-f]{40})\"",
        "private_key_id",
    ),
    secret(
        "azure-storage-key",
        "Azure storage or service bus key",
        "Microsoft Learn, configure Azure Storage connection strings",
        rb"(?:AccountKey|SharedAccessKey|SharedSecretValue)[ \t]{0,4}+=[ \t]{0,4}+([A-Za-z0-9+/]{43}="
        rb"|[A-Za-z0-9+/]{86}==)",
        "accountkey sharedaccesskey sharedsecretvalue",
        check=_LIVELY,
        flags=re.IGNORECASE,
    ),
    secret(
        "azure-client-secret",
        "Microsoft Entra client secret",
        "Microsoft Learn, add credentials to an application",
        rb"(?<![\w~.-])[\w~.]{3}\dQ~[\w~.-]{31,34}+(?![\w~.-])",
        "q~",
        check=_LIVELY,
    ),
    secret(
        "azure-sas",
        "Azure shared access signature",
        "Microsoft Learn, create a service SAS",
        rb"[?&;]sig=([A-Za-z0-9%+/]{43,70}+(?:=|%3[dD])?)(?![A-Za-z0-9%+/])",
        "sig=",
        check=_LIVELY,
    ),
    secret(
        "azure-devops-pat",
        "Azure DevOps personal access token",
        "Microsoft Learn, use personal access tokens",
        START + rb"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}" + END,
        "azdo",
    ),
    secret(
        "alibaba-access-key",
        "Alibaba Cloud access key",
        "Alibaba Cloud, create an AccessKey pair",
        START + rb"LTAI[A-Za-z0-9]{12,20}+" + END,
        "ltai",
        check=_LIVELY,
    ),
    secret(
        "digitalocean-token",
        "DigitalOcean token",
        "DigitalOcean API reference, authentication",
        START + rb"do[opr]_v1_[0-9a-f]{64}" + END,
        "_v1_",
    ),
    secret(
        "vault-token",
        "HashiCorp Vault token",
        "HashiCorp Vault documentation, tokens",
        START + rb"hv[sbr]\.[\w-]{20,400}+",
        "hvs. hvb. hvr.",
        check=_LIVELY,
    ),
    secret(
        "vault-token-old",
        "HashiCorp Vault token (before 1.10)",
        "HashiCorp Vault documentation, tokens",
        rb"(?<![\w.])s\.[A-Za-z0-9]{24}" + END,
        "s.",
        check=of_value(lambda value: random_looking(value[2:])),
        confidence=Confidence.MEDIUM,
    ),
    secret(
        "terraform-token",
        "HCP Terraform API token",
        "HashiCorp Terraform documentation, API tokens",
        START + rb"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,90}+",
        ".atlasv1.",
        check=_LIVELY,
    ),
    secret(
        "databricks-token",
        "Databricks personal access token",
        "Databricks documentation, personal access token authentication",
        START + rb"dapi[0-9a-f]{32}(?:-\d)?" + END,
        "dapi",
    ),
    secret(
        "datadog-key",
        "Datadog API or application key",
        "Datadog documentation, API and application keys",
        rb"(?:datadog|dd)[\w .-]{0,24}+[\"']?[ \t]{0,4}+(?::|:?=>?"
        rb"|,)[ \t]{0,4}+[\"']?((?:[0-9a-f]{8}){4,5})" + END,
        "datadog dd_ dd-",
        check=_LIVELY,
        flags=re.IGNORECASE,
    ),
    secret(
        "anthropic-key",
        "Anthropic API key",
        "Anthropic documentation, API keys",
        START + rb"sk-ant-[a-z]{2,10}+\d{2}-[\w-]{60,120}+(?![\w-])",
        "sk-ant-",
        check=_LIVELY,
    ),
    secret(
        "openai-key",
        "OpenAI API key",
        "OpenAI platform documentation, API keys",
        START + rb"sk-(?:[a-z]{4,10}+-)?[\w-]{16,100}T3BlbkFJ[\w-]{20,100}+",
        "t3blbkfj",
    ),
    secret(
        "huggingface-token",
        "Hugging Face token",
        "Hugging Face Hub documentation, user access tokens",
        START + rb"(?:hf|api_org)_[A-Za-z]{34}" + END,
        "hf_ api_org_",
        check=_LIVELY,
    ),
    secret(
        "model-provider-key",
        "model provider API key (Groq, Perplexity, Replicate, xAI)",
        "Groq, Perplexity, Replicate and xAI documentation, API keys",
        START + rb"(?:gsk_[A-Za-z0-9]{52}|pplx-[A-Za-z0-9]{48}|r8_[A-Za-z0-9]{37}|xai-[A-Za-z0-9]{80})" + END,
        "gsk_ pplx- r8_ xai-",
        check=_LIVELY,
    ),
    secret(
        "age-key",
        "age private key",
        "age specification (C2SP), identity encoding",
        START + rb"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}" + END,
        "age-secret-key-1",
    ),
    secret(
        "infrastructure-token",
        "infrastructure token (Fly, Heroku, PlanetScale, Pulumi, Doppler, Scalingo, Prefect, Infracost)",
        "Fly.io, Heroku, PlanetScale, Pulumi, Doppler, Scalingo, Prefect and Infracost documentation, "
        "access tokens",
        START
        + rb"(?:fo1_[\w-]{43}|fm[12][ar]?_[A-Za-z0-9+/]{80,2000}+={0,3}+|HRKU-[\w-]{36,64}+|pscale_(?:tkn"
        rb"|oauth|pw)_[\w.=-]{32,64}+"
        + rb"|pul-[0-9a-f]{40}|dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9.]{40,64}+|tk-us-[\w-]{48}"
        rb"|pnu_[A-Za-z0-9]{36}" + rb"|ico-[A-Za-z0-9]{32})(?![\w-])",
        "fo1_ fm1 fm2 hrku- pscale_ pul- dp. tk-us- pnu_ ico-",
        check=_LIVELY,
    ),
    secret(
        "openshift-token",
        "OpenShift token",
        "Red Hat OpenShift documentation, OAuth access tokens",
        START + rb"sha256~[\w-]{43}(?![\w-])",
        "sha256~",
        check=_LIVELY,
    ),
    secret(
        "harness-dynatrace-token",
        "Harness or Dynatrace token",
        "Harness and Dynatrace documentation, access tokens",
        START + rb"(?:[ps]at\.[\w-]{22}\.[0-9a-zA-Z]{24}\.[0-9a-zA-Z]{20}"
        rb"|dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64})" + END,
        "pat. sat. dt0",
    ),
)
