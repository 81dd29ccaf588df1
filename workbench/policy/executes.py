"""Names the files that some tool will execute, so that changing one asks for a second, different key.

A change to such a file is a change to what runs: at the next build, commit, test, checkout or when an
editor opens the folder. None of them is forbidden; the reason stands on the proposal as high risk.
"""

from __future__ import annotations

from workbench.policy.floor import group

EXECUTES = (
    group(
        "ci",
        "runs in continuous integration, with its credentials",
        """
            .github/workflows/ .github/actions/ .gitlab/ci/ .circleci/ .buildkite/ .tekton/
            .teamcity/ .woodpecker/
        """,
        names="""
            .gitlab-ci.y*ml *.gitlab-ci.y*ml .travis.y*ml azure-pipelines*.y*ml
            bitbucket-pipelines.y*ml Jenkinsfile* .drone.y*ml .woodpecker.y*ml appveyor.y*ml
            .appveyor.y*ml cloudbuild.y*ml buildspec.y*ml action.y*ml
        """,
    ),
    group(
        "hooks",
        "runs when git commits, checks out, or reads files",
        ".githooks/ .husky/ .lefthook/",
        names="""
            .pre-commit-config.y*ml .pre-commit-hooks.y*ml lefthook.y*ml .overcommit.y*ml
            .gitattributes .gitmodules .gitconfig .lfsconfig
        """,
    ),
    group(
        "build",
        "runs when the project is built",
        ".cargo/ .mvn/ buildSrc/",
        names="""
            Makefile Makefile.* GNUmakefile *.mk CMakeLists.txt *.cmake configure configure.ac
            meson.build BUILD BUILD.bazel WORKSPACE WORKSPACE.bazel MODULE.bazel *.bzl Rakefile
            Gemfile *.gemspec *.gradle *.gradle.kts gradlew* pom.xml mvnw* build.rs Cargo.toml *.sbt
            justfile .justfile Taskfile.y*ml *.csproj *.targets *.props build.xml go.work
        """,
    ),
    group(
        "javascript",
        "runs when packages are installed, or the project is built or tested",
        names="""
            package.json .yarnrc *.config.js *.config.cjs *.config.mjs *.config.ts *.config.mts
            gulpfile.* Gruntfile.* .eslintrc.*js .babelrc.*js .mocharc.*js
        """,
    ),
    group(
        "python",
        "runs when the project is installed, imported or tested",
        names="""
            setup.py setup.cfg pyproject.toml conftest.py pytest.ini tox.ini noxfile.py
            sitecustomize.py usercustomize.py *.pth requirements*.txt fabfile.py tasks.py
        """,
    ),
    group(
        "containers",
        "runs when an image is built or a service starts",
        ".devcontainer/",
        names="""
            Dockerfile* *.dockerfile Containerfile* docker-compose*.y*ml compose.y*ml compose.*.y*ml
            Vagrantfile Procfile *.service *.timer crontab *.tf
        """,
    ),
    group(
        "editors",
        "runs when an editor or another agent opens the folder",
        ".vscode/ .idea/ .cursor/ .claude/ .zed/",
        names=".mcp.json .exrc .vimrc .nvimrc .nvim.lua .dir-locals.el *.code-workspace",
    ),
    group(
        "shell",
        "is a script that a shell runs",
        ".direnv/",
        names="""
            *.sh *.bash *.zsh *.fish *.ksh *.ps1 *.psm1 *.bat *.cmd .bashrc .bash_profile
            .bash_aliases .bash_login .profile .zshrc .zshenv .zprofile .inputrc .gdbinit .lldbinit
            .pdbrc .Rprofile .irbrc .pythonrc
        """,
    ),
)
"""What some tool executes; the reason completes the sentence "this file …"."""
