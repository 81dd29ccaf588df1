"""Says whether a file is code or data, by its name: in code, e-mail addresses and dates are mostly noise.

Secrets are looked for alike in both. Everything that is not known to be code, configuration or documentation
is data, so that an unknown file is treated with more care, not less.
"""

from __future__ import annotations

from enum import StrEnum


class Material(StrEnum):
    """What kind of text is searched."""

    CODE = "code"
    """Programs, configuration and documentation."""
    DATA = "data"
    """Records, logs, messages, prose, command output and anything unknown."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CODE_SUFFIXES = _words("""
    ada adb ads asm awk bash bat bazel bzl c cabal cc cfg cjs clj cljs cmake cmd cob cobol coffee conf
    config cpp cr cs csproj css cts cu cxx d dart dockerfile el elm erl ex exs f f90 fish fs fsx gemspec
    go gql gradle graphql groovy h haml hbs hcl hh hpp hrl hs htm html hxx idl ini ipp jav java jinja
    jinja2 jl js jsx kt kts less lisp lock lua m mak md mdx mjs mk ml mli mm mod mts nim nix nu pas php pl
    plist pm pom pp prolog properties proto ps1 psm1 py pyi pyx r rake rb rego rkt rs rst s sass sbt scala
    scm scss sh sol styl sum svelte swift tcl tex tf thrift toml ts tsx v vb vhd vhdl vue wat xaml xsd xsl
    xslt yaml yml zig zsh
""")
_CODE_NAMES = _words("""
    .babelrc .clang-format .dockerignore .editorconfig .eslintrc .gitattributes .gitignore .gitmodules
    .npmignore .prettierrc authors authors.txt brewfile build cargo.lock changelog changes cmakelists.txt
    codeowners composer.json composer.lock constraints.txt containerfile contributors contributors.txt
    copying deno.json dockerfile gemfile go.mod go.sum jenkinsfile jsconfig.json justfile license
    license.txt maintainers maintainers.txt makefile manifest.in notice package-lock.json package.json
    pipfile pipfile.lock pkg-info procfile rakefile readme readme.txt requirements-dev.txt
    requirements.txt tsconfig.json vagrantfile workspace
""")
_TEMPLATE_SUFFIXES = _words("example sample template dist tmpl j2 in tpl")


def material_of(path: str) -> Material:
    """Return what the file at `path` is taken for, by its last component."""
    name = path.replace("\\", "/").rpartition("/")[2].casefold()
    stem, dot, suffix = name.rpartition(".")
    while dot and suffix in _TEMPLATE_SUFFIXES:
        name = stem
        stem, dot, suffix = name.rpartition(".")
    code = name in _CODE_NAMES or (dot and suffix in _CODE_SUFFIXES)
    return Material.CODE if code else Material.DATA
