"""Cases of other suites as cases of x509-limbo, which `examples/limbo.rs` judges.

Each function reads a folder of a suite and gives the cases, and those that cannot be put to this library, with the reason.
Beyond the fields of x509-limbo a case has those that `examples/support/limbo.rs` names.
"""

import base64
import re
from datetime import datetime, timezone

# The middle of 2026, as in tests/limbo, for cases that ask for the time of the test.
MADE = "2026-07-01T00:00:00Z"


def pem(der, label="CERTIFICATE"):
    text = base64.b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def sections(path):
    """The certificates of a file in PEM. Behind one that OpenSSL calls trusted stands what it is trusted for."""
    text = path.read_text(errors="replace")
    found = re.findall(r"-----BEGIN (?:TRUSTED )?CERTIFICATE-----(.*?)-----END", text, re.DOTALL)
    return [pem(first(base64.b64decode(body))) for body in found]


def first(der):
    """The first value of DER, which is longer than 127 octets."""
    digits = der[1] & 0x7F
    return der[: 2 + digits + int.from_bytes(der[2 : 2 + digits], "big")]


def case(id, kind, peer, success, time, **more):
    return {
        "id": id,
        "validation_kind": kind,
        "peer_certificate": peer,
        "expected_result": "SUCCESS" if success else "FAILURE",
        "validation_time": time,
        "any_name": True,
        **more,
    }


def pkits(folder):
    """NIST PKITS, with its lists, in the layout of BoringSSL (`pki/testdata/nist-pkits`)."""
    text = (folder / "pkits_testcases-inl.h").read_text()
    # Some have subtests, under one number.
    tests = re.findall(r"WRAPPED_TYPED_TEST_P\(.*?\) \{(.*?)\n\}", text, re.DOTALL)
    cases, skipped, seen = [], [], {}
    for body in tests:
        number = re.search(r'info.test_number = "(.*?)"', body)[1]
        names = {
            kind: re.findall(r'"(.*?)"', re.search(rf"{kind}\[\] = \{{(.*?)\}}", body, re.DOTALL)[1])
            for kind in ("certs", "crls")
        }
        seen[number] = seen.get(number, 0) + 1
        id = f"pkits::{number}" + (f"#{seen[number]}" if seen[number] > 1 else "")
        demands = re.findall(r"info\.SetInitial(ExplicitPolicy|PolicyMappingInhibit|InhibitAnyPolicy)\(true\)", body)
        if demands:
            skipped.append((id, f"asks for policies ({', '.join(demands)}), which no verdict does"))
            continue
        success = "info.should_validate = true" in body
        certs = [pem((folder / "certs" / f"{name}.crt").read_bytes()) for name in names["certs"]]
        crls = [pem((folder / "crls" / f"{name}.crl").read_bytes(), "X509 CRL") for name in names["crls"]]
        # A list of a CA below the authority is verified under that CA, so the intermediates are installed too.
        cases.append(
            case(
                id,
                "ANY",
                certs[-1],
                success,
                "2011-04-15T00:00:00Z",
                trusted_certs=certs[:1],
                untrusted_intermediates=certs[1:-1],
                installed_intermediates=certs[1:-1],
                crls=crls,
            )
        )
    return cases, skipped


def boringssl(folder):
    """BoringSSL's chains, each with what is asked (`pki/testdata/verify_certificate_chain_unittest`)."""
    cases, skipped = [], []
    for path in sorted(folder.glob("*/*.test")):
        id = f"boringssl::{path.parent.name}/{path.stem}"
        fields = dict(re.findall(r"^(\w+): (.*?)\s*$", path.read_text(), re.MULTILINE))
        purpose, trust = fields["key_purpose"], fields["last_cert_trust"]
        kinds = {"SERVER": "SERVER", "CLIENT": "CLIENT", "ANY": "ANY"}
        kind = kinds.get(purpose.split("_")[0])
        if not kind or purpose.startswith("CLIENT_MLS"):
            skipped.append((id, f"asks for the purpose {purpose}, which no TLS peer has"))
            continue
        chain = sections(path.parent / fields["chain"])
        stamp = fields["utc_time"]
        stamp = "211005120000Z" if stamp == "DEFAULT" else stamp
        parts = re.fullmatch(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z", stamp).groups()
        time = "20{}-{}-{}T{}:{}:{}Z".format(*parts)
        success = "ERROR: " not in path.read_text()
        pins, trusted, rest = [], [], chain[1:]
        if trust.startswith("TRUSTED_LEAF") or trust == "TRUSTED_ANCHOR_OR_LEAF" and len(chain) == 1:
            pins = chain[-1:]
        elif trust.startswith("TRUSTED_ANCHOR"):
            trusted, rest = chain[-1:], chain[1:-1]
        cases.append(
            case(id, kind, chain[0], success, time, trusted_certs=trusted, pins=pins, untrusted_intermediates=rest)
        )
    return cases, skipped


# Options of `openssl verify` that ask for what no verdict does.
OPENSSL_SKIPS = {
    "-allow_proxy_certs": "proxy certificates",
    "-policy_check": "policies",
    "-vfyopt": "SM2",
    "-crl_check": "lists of its own",
    "@prov": "the FIPS provider of OpenSSL",
}


def openssl(folder):
    """OpenSSL's calls of `openssl verify` (`test/recipes/25-test_verify.t`, `test/certs`)."""
    text = (folder / "test/recipes/25-test_verify.t").read_text()
    certs = folder / "test/certs"
    call = re.compile(
        r"ok(?:_nofips)?\((!?)verify\(\"([^\"]+)\",\s*\"(\w*)\",\s*\[(.*?)\],\s*\[(.*?)\](.*?)\),\s*\"(.*?)\"",
        re.DOTALL,
    )
    names = lambda list: re.findall(r"[\w.+-]+", re.sub(r"\bqw\(|[\")(,]", " ", list))
    cases, skipped = [], []
    for number, found in enumerate(call.finditer(text), 1):
        refused, cert, purpose, trusted, untrusted, options, title = found.groups()
        id = f"openssl::{number}::{title.replace(' ', '-')}"
        options = re.findall(r"[\w.@-]+", options)
        trusted, untrusted = names(trusted), names(untrusted)
        why = next((why for option, why in OPENSSL_SKIPS.items() if option in options), None)
        level = options[options.index("-auth_level") + 1] if "-auth_level" in options else "1"
        if why:
            skipped.append((id, f"asks for {why}, which no verdict does"))
        elif level in ("0", "3"):
            skipped.append((id, f"asks for level {level} of OpenSSL; the key policy here is that of levels 1 and 2"))
        elif "exit_checker" in text[max(0, found.start() - 120) : found.start()]:
            skipped.append((id, "looks at an exit status alone"))
        else:
            time = MADE
            if "-attime" in options:
                seconds = int(options[options.index("-attime") + 1])
                time = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            one = lambda name: sections(certs / f"{name}.pem")
            kind = {"sslserver": "SERVER", "sslclient": "CLIENT", "": "ANY"}[purpose]
            # What OpenSSL trusts a certificate for stands beside it, and in the name of its file: here it is the scope.
            # One that is expressly not trusted for the role is blocked.
            others = {"SERVER": "+clientAuth", "CLIENT": "+serverAuth", "ANY": "-"}[kind]
            blocked = {"SERVER": ("-serverAuth", "-anyEKU"), "CLIENT": ("-clientAuth", "-anyEKU"), "ANY": ()}[kind]
            more = {
                "trusted_for_other_role": [pem for name in trusted if name.endswith(others) for pem in one(name)],
                "blocked": [pem for name in trusted if name.endswith(blocked) for pem in one(name)],
            }
            trusted = [name for name in trusted if not name.endswith((others, *blocked))]
            own = lambda name: name == cert or one(name) == one(cert)
            if "-verify_depth" in options:
                more["max_chain_depth"] = int(options[options.index("-verify_depth") + 1])
            if "-x509_strict" in options:
                more["profile"] = "strict"
            cases.append(
                case(
                    id,
                    kind,
                    one(cert)[0],
                    not refused,
                    time,
                    # A certificate that is the peer's own is installed as such.
                    pins=[pem for name in trusted if own(name) for pem in one(name)],
                    trusted_certs=[pem for name in trusted if not own(name) for pem in one(name)],
                    untrusted_intermediates=[pem for name in untrusted for pem in one(name)],
                    **more,
                )
            )
    return cases, skipped
