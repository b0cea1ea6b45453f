"""tus as text: headers are read as the protocol has them, or refused in words."""

import base64

import pytest

from imports.resumable import protocol
from imports.resumable.protocol import Checksum, Malformed


def test_metadata_is_base64_of_utf_8() -> None:
    name = base64.b64encode("Preisliste ä.csv".encode()).decode()

    assert protocol.metadata(f"filename {name}, is_confidential,empty ") == {
        "filename": "Preisliste ä.csv",
        "is_confidential": "",
        "empty": "",
    }
    assert protocol.metadata("") == {}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("filename a.csv", "filename of Upload-Metadata has to be Base64"),
        ("filename YQ", "has to be Base64"),
        ("filename /w==", "has to be Base64 of UTF-8"),
        ("filename AA==", "NUL"),
        ("é YQ==", "key"),
        ("a YQ==,a Yg==", "twice"),
    ],
)
def test_metadata_that_can_not_be_read_is_refused(value: str, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        protocol.metadata(value)


@pytest.mark.parametrize("value", ["", "-1", "1.5", "0x10", "９", "1 2", "9" * 19])
def test_number_of_bytes_is_digits(value: str) -> None:
    assert protocol.number("Upload-Length", "08388608") == 8_388_608
    with pytest.raises(Malformed, match="Upload-Length has to be a number of bytes"):
        protocol.number("Upload-Length", value)


def test_checksum_is_an_algorithm_and_base64() -> None:
    assert protocol.checksum("sha1 AAEC") == Checksum("sha1", b"\0\1\2")
    for value in ("crc32 AAEC", "", "SHA1 AAEC"):
        with pytest.raises(Malformed, match="one of sha1, sha256, md5"):
            protocol.checksum(value)
    with pytest.raises(Malformed, match="Base64"):
        protocol.checksum("md5 é")
