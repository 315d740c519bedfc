"""An OpenLDAP server on loopback, with people and groups in it."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import topology

UNPACKED = pathlib.Path(__file__).parents[2] / ".slapd"
SUFFIX = "dc=example,dc=com"
PEOPLE, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"
LOOKUP, LOOKUP_PASSWORD = f"cn=holdfast,{SUFFIX}", "looks people up 7"

# An empty password is taken for nobody's here, as a server may (RFC 4513), and answered with success. Only the account that looks
# people up may read anything.
CONFIGURATION = """\
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
modulepath {modules}
moduleload back_mdb
allow bind_anon_cred
TLSCACertificateFile {authority}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
database mdb
maxsize 16777216
suffix "{suffix}"
directory {data}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{lookup}" read by anonymous auth by * none
"""


def installed():
    """The folder that slapd stands in, `/` where it is the system's; none where there is none."""
    if (UNPACKED / "usr/sbin/slapd").exists():
        return UNPACKED
    return pathlib.Path("/") if shutil.which("slapd") or pathlib.Path("/usr/sbin/slapd").exists() else None


def entry(dn, *classes, **attributes):
    lines = [f"dn: {dn}", *(f"objectClass: {name}" for name in classes)]
    for name, values in attributes.items():
        lines += [f"{name}: {value}" for value in (values if isinstance(values, list) else [values])]
    return "\n".join(lines) + "\n"


def person(dn, uid, password):
    return entry(dn, "inetOrgPerson", uid=uid, cn=uid, sn=uid, userPassword=password)


class Slapd:
    """The server, in a folder, with a certificate of an authority of tests."""

    def __init__(self, folder, authority, people, groups):
        """`people` are DNs with uid and password, `groups` names with the DNs of members."""
        self.folder, self.process = folder, None
        self.port, self.tls_port = topology.free_port(), topology.free_port()
        root = installed()
        (folder / "data").mkdir(parents=True)
        authority.issue(folder / "ldap.pem", folder / "ldap.key")
        self.environment = os.environ | {"LD_LIBRARY_PATH": ":".join(str(path) for path in (root / "usr/lib").glob("*-linux-gnu"))}
        self.program = root / "usr/sbin/slapd"
        self.configuration = folder / "slapd.conf"
        self.configuration.write_text(
            CONFIGURATION.format(
                schema=root / "etc/ldap/schema", modules=root / "usr/lib/ldap", suffix=SUFFIX, data=folder / "data", lookup=LOOKUP,
                authority=authority.certificate, certificate=folder / "ldap.pem", key=folder / "ldap.key",
            )
        )
        entries = [
            entry(SUFFIX, "dcObject", "organization", dc="example", o="Example"),
            entry(LOOKUP, "organizationalRole", "simpleSecurityObject", cn="holdfast", userPassword=LOOKUP_PASSWORD),
            *(entry(dn, "organizationalUnit", ou=dn.split(",")[0].split("=")[1]) for dn in [PEOPLE, f"ou=guests,{PEOPLE}", GROUPS]),
            *(person(dn, uid, password) for dn, (uid, password) in people.items()),
            *(entry(f"cn={name},{GROUPS}", "groupOfNames", cn=name, member=members) for name, members in groups.items()),
        ]
        (folder / "entries.ldif").write_text("\n".join(entries))
        self.run("-T", "add", "-l", folder / "entries.ldif")

    def run(self, *arguments):
        command = [self.program, *arguments, "-f", self.configuration]
        subprocess.run(list(map(str, command)), env=self.environment, capture_output=True, check=True, timeout=60)

    def start(self):
        addresses = f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port}"
        command = [str(self.program), "-f", str(self.configuration), "-h", addresses, "-d", "none"]
        log = open(self.folder / "slapd.log", "ab")
        self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        topology.wait_until(lambda: topology.takes_connections(f"127.0.0.1:{self.tls_port}"), "slapd listens")
        return self

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=30)
            self.process = None


def main(folder):
    """For tests that are not in Python: a directory with anna in it, until the standard input ends."""
    from certificates import Authority

    if installed() is None:
        return
    anna, password = f"uid=anna,{PEOPLE}", "anna's own"
    server = Slapd(folder / "server", Authority(folder / "authority"), {anna: ("anna", password)}, {"reader": [anna]}).start()
    (folder / "password").write_text(LOOKUP_PASSWORD)
    flags = {
        "url": f"ldaps://127.0.0.1:{server.tls_port}", "bind-dn": LOOKUP, "bind-password-file": folder / "password", "user-base": PEOPLE,
        "group-base": GROUPS,
    }
    arguments = [text for name, value in flags.items() for text in (f"--ldap-{name}", str(value))]
    print(json.dumps({"flags": [*arguments, "--tls-ca", str(folder / "authority/ca.pem")], "password": password}), flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
