"""What is dangerous is found where a change introduces it, in each language, and its safe twin is not."""

from __future__ import annotations

import pytest

from workbench.checks.dangerous import introduced
from workbench.context import language_of

DANGEROUS = {
    "a.py": [
        ("subprocess.run(f'ls {x}', shell=True)", "subprocess.run(['ls', x], shell=False)", "shell"),
        (
            "from subprocess import run as go\ngo(x, shell=yes)",
            "from subprocess import run as go\ngo([x])",
            "shell",
        ),
        ("import os as o\no.system(x)", "o.system(x)", "shell"),
        ("eval(x)", "ast.literal_eval(x)", "evaluates"),
        ("exec(f'{x}')", "eval('1')", "evaluates"),
        ("import pickle\npickle.loads(x)", "json.loads(x)", "deserialises"),
        ("from pickle import loads\nloads(x)", "from json import loads\nloads(x)", "deserialises"),
        ("yaml.load(x)", "yaml.load(x, Loader=yaml.SafeLoader)", "deserialises"),
        ("torch.load(p)", "torch.load(p, weights_only=True)", "deserialises"),
        ("requests.get(u, verify=False)", "requests.get(u, verify=True)", "verify"),
        ("ctx.check_hostname = False", "ctx.check_hostname = True", "verify"),
        ("ctx.verify_mode = ssl.CERT_NONE", "ctx.verify_mode = ssl.CERT_REQUIRED", "verify"),
        ("hashlib.md5(x)", "hashlib.md5(x, usedforsecurity=False)", "weak hash"),
        ("from hashlib import sha1\nsha1(x)", "hashlib.sha256(x)", "weak hash"),
        ("hashlib.new('md5', x)", "hashlib.new('sha512', x)", "weak hash"),
        ("AES.new(k, AES.MODE_ECB)", "AES.new(k, AES.MODE_GCM)", "weak cipher"),
        (
            "c.execute(f'SELECT * FROM t WHERE a = {x}')",
            "c.execute('SELECT * FROM t WHERE a = ?', (x,))",
            "SQL",
        ),
        (
            "c.execute('SELECT a FROM t WHERE b = %s' % x)",
            "c.execute('SELECT a FROM t WHERE b = %s', (x,))",
            "SQL",
        ),
        ("c.execute('DELETE FROM t WHERE a = ' + x)", "c.execute('DELETE FROM t ' + 'WHERE a = 1')", "SQL"),
        ("c.execute('SELECT a FROM {}'.format(x))", "c.execute('SELECT a FROM t')", "SQL"),
        ("mark_safe(x)", "mark_safe('<br>')", "unescaped"),
        ("tar.extractall(p)", "tar.extractall(p, filter='data')", "archive"),
        ("os.chmod(p, 0o777)", "os.chmod(p, 0o600)", "open to everyone"),
        ("app.run(debug=True)", "app.run(debug=False)", "debugging"),
    ],
    "a.js": [
        (
            "const {exec} = require('child_process');\nexec(`ls ${x}`)",
            "const {execFile} = require('child_process');\nexecFile('ls', [x])",
            "shell",
        ),
        ("spawn('ls', {shell: true})", "spawn('ls', {shell: false})", "shell"),
        ("eval(x)", "JSON.parse(x)", "evaluates"),
        ("new Function('a', x)", "new Map(x)", "evaluates"),
        ("setTimeout(`go(${x})`, 5)", "setTimeout(() => go(x), 5)", "evaluates"),
        ("el.innerHTML = x", "el.textContent = x", "unescaped"),
        ("el.innerHTML = ''", "el.innerHTML = ''", ""),
        ("https.get({rejectUnauthorized: false})", "https.get({rejectUnauthorized: true})", "verify"),
        ("process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'", "process.env.NODE_ENV = '0'", "verify"),
        ("crypto.createHash('md5')", "crypto.createHash('sha256')", "weak hash"),
        (
            "crypto.createCipheriv('aes-128-ecb', k, n)",
            "crypto.createCipheriv('aes-256-gcm', k, n)",
            "weak cipher",
        ),
        (
            "db.query(`SELECT * FROM t WHERE a = ${x}`)",
            "db.query('SELECT * FROM t WHERE a = $1', [x])",
            "SQL",
        ),
    ],
    "a.tsx": [
        ("const a = <p dangerouslySetInnerHTML={{__html: x}} />", "const a = <p title={x} />", "unescaped"),
    ],
    "a.go": [
        ('func f() { exec.Command("sh", "-c", x) }', 'func f() { exec.Command("ls", x) }', "shell"),
        (
            "var c = tls.Config{InsecureSkipVerify: true}",
            "var c = tls.Config{InsecureSkipVerify: false}",
            "verify",
        ),
        ("func f() { ssh.InsecureIgnoreHostKey() }", "func f() { ssh.FixedHostKey(k) }", "verify"),
        ("func f() { md5.New() }", "func f() { sha256.New() }", "weak hash"),
        (
            'func f() { db.Query(fmt.Sprintf("SELECT a FROM t WHERE b = %s", x)) }',
            'func f() { db.Query("SELECT a FROM t WHERE b = ?", x) }',
            "SQL",
        ),
        (
            'func f() { db.QueryContext(ctx, "SELECT a FROM t WHERE b = "+x) }',
            'func f() { db.QueryContext(ctx, "SELECT a FROM t WHERE b = ?", x) }',
            "SQL",
        ),
        ("func f() { template.HTML(x) }", 'func f() { template.HTML("<br>") }', "unescaped"),
    ],
    "A.java": [
        (
            'class A { void f() { Runtime.getRuntime().exec("ls " + x); } }',
            'class A { void f() { new ProcessBuilder("ls", x); } }',
            "shell",
        ),
        (
            "class A { Object o = new ObjectInputStream(s); }",
            "class A { Object o = new DataInputStream(s); }",
            "deser",
        ),
        (
            'class A { Object o = MessageDigest.getInstance("MD5"); }',
            'class A { Object o = MessageDigest.getInstance("SHA-256"); }',
            "weak hash",
        ),
        (
            'class A { Object o = Cipher.getInstance("AES/ECB/PKCS5Padding"); }',
            'class A { Object o = Cipher.getInstance("AES/GCM/NoPadding"); }',
            "weak cipher",
        ),
        (
            'class A { void f() { s.executeQuery("SELECT a FROM t WHERE b = " + x); } }',
            'class A { void f() { c.prepareStatement("SELECT a FROM t WHERE b = ?"); } }',
            "SQL",
        ),
        (
            "class A { void f() { b.setSSLHostnameVerifier(NoopHostnameVerifier.INSTANCE); } }",
            "class A { void f() { b.setSSLHostnameVerifier(v); } }",
            "verify",
        ),
        (
            "class A { void f() { engine.eval(x); } }",
            'class A { void f() { engine.eval("1"); } }',
            "evaluates",
        ),
    ],
    "a.rs": [
        ("fn f() { unsafe { *p } }", "fn f() { p }", "unsafe"),
        (
            'fn f() { std::process::Command::new("sh"); }',
            'fn f() { std::process::Command::new("ls"); }',
            "shell",
        ),
        (
            "fn f() { b.danger_accept_invalid_certs(true); }",
            "fn f() { b.danger_accept_invalid_certs(false); }",
            "verify",
        ),
    ],
    "a.c": [
        ("void f() { strcpy(a, b); }", "void f() { strncpy(a, b, 3); }", "bound"),
        ("void f() { system(x); }", "void f() { execv(x, y); }", "shell"),
        ("void f() { printf(x); }", 'void f() { printf("%s", x); }', "format"),
    ],
}
CASES = [(path, *case) for path, cases in DANGEROUS.items() for case in cases]


def _found(path: str, before: str, after: str) -> list[str]:
    language = language_of(path)
    assert language is not None
    return [str(danger) for danger in introduced(before.encode(), after.encode(), language)]


@pytest.mark.parametrize(("path", "bad", "good", "what"), CASES, ids=[f"{c[0]} {c[1][:40]}" for c in CASES])
def test_what_is_dangerous_is_found_and_its_safe_twin_is_not(
    path: str, bad: str, good: str, what: str
) -> None:
    found = _found(path, "", bad)
    assert bool(found) == bool(what)
    assert all(what in text for text in found)
    assert _found(path, "", good) == []


def test_only_what_is_introduced_counts_wherever_it_has_moved() -> None:
    old = "def f(x):\n    eval(x)\n"
    assert _found("a.py", old, "import os\n\n\nif x:\n    def f(x):\n        eval(x)\n") == []
    assert _found("a.py", old, old + "eval(x)\n") == ["line 3 evaluates text as code (CWE-95)"]
    assert _found("a.py", old, "def f(x):\n    eval(x + 1)\n") == ["line 2 evaluates text as code (CWE-95)"]


def test_evidence_quotes_nothing_of_the_file() -> None:
    (said,) = _found("a.py", "", "eval(very_private_name)")
    assert "private" not in said
