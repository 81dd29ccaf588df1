"""The compiled-in rules: what no tier can lift (the floor), and what a person must release first (ask).

Grouped by where the files come from, each group with the reason that `workbench policy explain` prints.
The floor cannot be negated by any policy file; its only exceptions are the four template names of dotenv
files, which hold no values by convention and are still searched for secrets when they are read.

`names` are judged by a file's own name only: a directory called `credentials` is usually source code.
`patterns` are judged at every level, so everything in a matching directory is covered.

Sources: the documented default locations of the named tools; 45 CFR 160.103 (protected health information).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

FLOOR_VERSION = 1
"""Raised whenever a rule below changes, so that a policy digest names the floor it stood on."""


@dataclass(frozen=True, slots=True)
class Group:
    """Compiled-in patterns of one origin."""

    name: str
    reason: str
    """Why these files are treated so, in one sentence for the person who is refused."""
    patterns: tuple[str, ...]
    names: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    """Names that this group, and no other, does not apply to."""


def group(name: str, reason: str, patterns: str = "", *, names: str = "", exceptions: str = "") -> Group:
    """Return a group whose patterns are written as words in one text."""
    return Group(name, reason, tuple(patterns.split()), tuple(names.split()), tuple(exceptions.split()))


READ_DENY = (
    group(
        "dotenv",
        "Environment files hold live credentials.",
        ".env .env.* *.env .envrc",
        exceptions=".env.example .env.sample .env.template .env.dist",
    ),
    group(
        "ssh-gpg",
        "SSH and GPG directories and key files hold private keys.",
        ".ssh/ .gnupg/ .password-store/ id_rsa id_rsa.* id_dsa* id_ecdsa* id_ed25519*",
        names="*_rsa *_ed25519 *.ppk *.gpg *.pgp",
    ),
    group(
        "cloud",
        "Cloud tools keep access tokens here.",
        """
            .aws/ .azure/ .oci/ .kube/ .boto .s3cfg .databrickscfg .snowsql/ **/.config/gcloud/
            **/.config/doctl/ **/.config/rclone/ **/.config/sops/ *.kubeconfig
            *service-account*.json *service_account*.json *firebase-adminsdk*.json
            client_secret*.json *-credentials.json .pulumi/ .fly/ .chef/
        """,
        names="kubeconfig",
    ),
    group(
        "registry",
        "Package and container tools keep registry passwords here.",
        """
            .npmrc .yarnrc.yml .pypirc **/.cargo/credentials **/.cargo/credentials.toml
            **/.gem/credentials **/.m2/settings.xml **/.m2/settings-security.xml
            **/.gradle/gradle.properties **/.docker/config.json .dockercfg .dockerconfigjson
        """,
    ),
    group(
        "vcs",
        "Version control keeps credentials here, and copies of every file it ever held.",
        """
            .git/ *.git/ .hg/ .svn/ .bzr/ .jj/ .git-credentials .gitcookies **/.config/gh/
            **/.config/glab-cli/ **/.config/hub **/.subversion/auth/
        """,
    ),
    group(
        "database",
        "Database clients keep passwords and past statements here.",
        """
            .pgpass .my.cnf .mylogin.cnf .psql_history .mysql_history .sqlite_history
            .rediscli_history .mongorc.js
        """,
    ),
    group(
        "infrastructure",
        "Infrastructure state and variables hold secrets in plain text.",
        """
            *.tfstate *.tfstate.* *.tfvars *.tfvars.json .terraformrc
            **/.terraform.d/credentials.tfrc.json .vault-token .vault_pass* vault_pass.txt *.ovpn
            *.rdp
        """,
        names="master.key",
    ),
    group(
        "keys",
        "Private keys, key stores and password stores.",
        """
            *.pem *.key *.p8 *.p12 *.pfx *.jks *.keystore *.kdbx *.keytab krb5cc_* *.mobileprovision
            **/.local/share/keyrings/
        """,
    ),
    group(
        "secret-files",
        "The name says that it holds secrets.",
        """
            *.secret *.secrets .htpasswd .netrc _netrc credentials.json credentials.csv
            credentials.ini credentials.xml credentials.y*ml credentials.enc secret.y*ml
            secrets.y*ml secrets.json secrets.toml secrets.ini secrets.properties secrets.enc*
            *-secret.y*ml appsettings.Production.json local.settings.json wp-config.php
        """,
        names="credentials shadow gshadow",
    ),
    group(
        "history",
        "Shell and interpreter histories hold what was typed, passwords included.",
        ".bash_history .zsh_history .python_history .node_repl_history .lesshst .viminfo",
    ),
    group(
        "residue",
        "Editor swap files and memory dumps are copies of other files.",
        r"""
            .*.sw[a-p] *~ \#*\# .#* *.dmp *.hprof core.[0-9] core.[0-9][0-9] core.[0-9][0-9][0-9]
            core.[0-9][0-9][0-9][0-9] core.[0-9][0-9][0-9][0-9][0-9]*
        """,
    ),
    group(
        "phi",
        "Medical images, claims and messages hold protected health information .",
        """
            *.dcm *.dicom *.nii *.nii.gz *.hl7 *.x12 *.edi *.835 *.837 *.834 *.270 *.271 *.ccda phi/
            patient_data/
        """,
    ),
    group(
        "workbench",
        "Workbench's own state: its ledger, queue and unfinished writes.",
        ".workbench-tmp-* **/.local/state/workbench/ **/.local/share/workbench/",
    ),
)
"""What is never read, whoever asks."""

EDIT_DENY = (
    group(
        "own-rules",
        "An agent must not change the rules it works under.",
        ".workbench/ **/.config/workbench/ **/etc/workbench/",
    ),
)
"""What may be read but is never edited; what is never read is never edited either."""

READ_ASK = (
    group(
        "data",
        "Data files may hold personal or cardholder data.",
        """
            *.sql *.dump *.csv *.tsv *.parquet *.xlsx *.xls *.ndjson *.db *.sqlite* *.mdb *.sav
            *.rds
        """,
    ),
    group(
        "traffic",
        "Logs, captures and notebooks keep tokens and records that passed through.",
        "*.har *.log *.pcap *.pcapng *.ipynb *.mbox *.eml",
    ),
    group(
        "archives",
        "An archive can hold any of the files that are denied.",
        "*.zip *.tar *.tar.* *.tgz *.7z *.gz *.bz2 *.xz *.zst *.rar *.bak",
    ),
    group(
        "certificates",
        "Certificates and armoured files may hold a private key.",
        "*.crt *.cer *.asc",
    ),
    group(
        "production",
        "Production settings often hold live credentials.",
        "database.y*ml settings.xml application-prod* *prod*.y*ml google-services.json",
    ),
    group(
        "secret-places",
        "The directory's name says that what is in it may be secret, or real data.",
        "secrets/ .secrets/ credentials/ fixtures/",
    ),
)
"""What a person releases, file by file or by glob, before the model sees it."""


def digest() -> str:
    """Return the SHA-256 of every rule in this module, so that a changed floor is a changed policy."""
    body = [
        FLOOR_VERSION,
        *([asdict(group) for group in groups] for groups in (READ_DENY, EDIT_DENY, READ_ASK)),
    ]
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
