"""Certificates made with openssl: an authority of the tests' own, and what it signs."""

import subprocess


def openssl(*arguments, text=None):
    subprocess.run(["openssl", *map(str, arguments)], input=text, text=True, capture_output=True, check=True, timeout=60)


class Authority:
    """A private certification authority in a folder."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.certificate, self.key = folder / "ca.pem", folder / "ca.key"
        openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 30,
            "-subj", "/CN=Holdfast tests", "-keyout", self.key, "-out", self.certificate,
        )

    def issue(self, certificate, key, names=("localhost",), addresses=("127.0.0.1",), days=30):
        """Writes a certificate for these names and its key; without days it expired long ago."""
        key.parent.mkdir(parents=True, exist_ok=True)
        request, extensions = self.folder / "request.pem", self.folder / "extensions"
        alternatives = [f"DNS:{name}" for name in names] + [f"IP:{address}" for address in addresses]
        extensions.write_text(f"basicConstraints=CA:FALSE\nsubjectAltName={','.join(alternatives)}\n")
        openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=holdfast",
            "-keyout", key, "-out", request,
        )
        lifetime = ["-days", days] if days > 0 else ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"]
        (self.folder / "index.txt").write_text("")
        (self.folder / "serial").write_text("1000\n")
        configuration = self.folder / "ca.cnf"
        configuration.write_text(
            f"[ca]\ndefault_ca=own\n[own]\ndir={self.folder}\ndatabase={self.folder}/index.txt\nserial={self.folder}/serial\n"
            f"new_certs_dir={self.folder}\ndefault_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n"
        )
        openssl(
            "ca", "-batch", "-notext", "-config", configuration, "-cert", self.certificate, "-keyfile", self.key,
            "-in", request, "-out", certificate, "-extfile", extensions, *lifetime,
        )
        return certificate


def self_signed(certificate, key):
    """What `openssl req -x509` makes in one go: a certificate that is its own authority."""
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 30, "-subj", "/CN=own",
        "-addext", "subjectAltName=DNS:own.example", "-keyout", key, "-out", certificate,
    )
