"""The table of public data sets: addresses, hashes, sources and licences. Nothing but data.

No address was tried where this table was made, which has no network. Hashes are what others have
published of files that they fetched: those of Kodak stand in several repositories (two of the files
lay here and had theirs), those of CLIC at ETH in TensorFlow Datasets' list of checksums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from mode_core.errors import ModeError


class Copy(NamedTuple):
    """One address of a file; copies of an archive may differ though their pictures are the same."""

    url: str
    sha256: str = ""
    """What somebody has published of the file there, "" if nobody has."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A picture, or a zip with pictures in it."""

    name: str
    copies: tuple[Copy, ...]
    """Tried in turn."""
    bytes_: int
    """Its size, about."""
    pictures: int = 1
    inside: str = ""
    """Of a zip: a pattern of the paths of its pictures."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One set of pictures."""

    id: str
    licence: str
    source: str
    """The page that tells of it."""
    files: tuple[RemoteFile, ...]

    @property
    def pictures(self) -> int:
        """How many belong to it."""
        return sum(one.pictures for one in self.files)

    @property
    def bytes_(self) -> int:
        """What is to be fetched, about."""
        return sum(one.bytes_ for one in self.files)


_KODAK = (
    ("a56e27cbf5f843c048b6af1d6e090760e9c92fadba88b7dee0205918a37523bd", 737),
    ("4f4b74a79237e311d72cad958237b5f7088d8bce1c82305ebefe1a70e3022dfd", 618),
    ("e25ca1ff2f0c0cb5fdfd5f9b0a0bb21ac4c3de3c84a67f35b09a85d3306249db", 503),
    ("e3b946107c5d3441c022f678d0c3caf1e224d81b1604ba840a4f88e562de61aa", 637),
    ("10349e963c5c813d327852f82c1795fa4148d69fedffc4c589bee458e3ac3d53", 786),
    ("363510303b715d4cbc384e1ce227e466b613a09e1b71ae985882bf8e7fbd9b18", 619),
    ("b77d3f006f42414bb242222e0482e750c0fb9e5ee8d4bed2f6f11c5605fe54a4", 566),
    ("ba23983c76b4832ee0e8af0592664756841a16779acd69f792e268fb6d13d6e7", 788),
    ("6a4361c2fc194feb4edaa9f9a4a0620fb9943e460ac7fdf037fb0f6dd6607a7d", 583),
    ("9dfb70f5867c29ff9ed6313683f19b3d867849e40fbc0c4c54a4a89df341cf23", 593),
    ("7936814b58b5387fce2e4e2488b4ec830dadd95fa9520f358ddb30990b50f2b6", 621),
    ("d78c37c2f04f23761ed2367dd77e2db584ddd4c3950833fecf89f199a8126980", 531),
    ("bc34a3ce58dea09dce1704c997171602de90cb34d0c8503a988b77f473d39b08", 823),
    ("55a94550ff18f3246c4074fd32b77b0c74447c26b6ad274d564d999c0450ba6e", 692),
    ("7538cbb80cb9103606c48b806eae57d56c885c7f90b9b3be70a41160f9cbb683", 613),
    ("a89c7268ccd4718ba424a99fc4643c572cf692ca6eae887185ceb4e9f11d2e54", 534),
    ("37afcc89fbdcb76d9518e04b2fc011027e2f4cd14b3b2f83cefd721641a47c5b", 602),
    ("1a9258c365988961d87a0598725b609139c303ad48a5aad6c503c3b1a87849aa", 781),
    ("b7450b264b1b0a411390d8931b112c27905a992520fc90569dc4b920aa32bbdc", 671),
    ("3b46c71e3b92a563820ba32936be8330c586c41f938efd94be938386aae4328a", 492),
    ("ac958597c82073f6bb65129c68f72b651db5b9efd82e11547d07350214bc268b", 637),
    ("1cee58eb1f2d9c7ebb254d208a03c783ce6cf2c4d8c2cf45e235dd23b4ce1b29", 702),
    ("e3111a2fd4da24af15d6459ef9eacfe54106b38e27b4a21821b75c3f5d2d5baf", 558),
    ("1071c68372cc5a01435c2c225a5cf7d4bb803846ec08bb6b3d6721b156d7cb96", 706),
)
"""SHA-256 and about how many kilobytes, of kodim01.png to kodim24.png."""
_KODAK_AT = (
    "https://r0k.us/graphics/kodak/kodak",
    "https://huggingface.co/datasets/SCU-VIP-Lab/compression-eval-datasets/resolve/main/kodak",
)
_ETH = "https://data.vision.ee.ethz.ch/cvl/clic"
_GOOGLE = "https://storage.googleapis.com/clic_datasets"
_TECNICK = "testimages/OLD/OLD_SAMPLING/testimages.zip"
_ANY_PNG = r"(?:[^/]+/)*[^/]+\.png"


def _kodak(number: int, sha256: str, kilobytes: int) -> RemoteFile:
    name = f"kodim{number:02}.png"
    copies = tuple(Copy(f"{base}/{name}", sha256) for base in _KODAK_AT)
    return RemoteFile(name, copies, 1000 * kilobytes)


_ALL = (
    Dataset(
        "kodak",
        "no licence text; r0k.us understands that Kodak released them for unrestricted use",
        "https://r0k.us/graphics/kodak/",
        tuple(_kodak(number, *known) for number, known in enumerate(_KODAK, 1)),
    ),
    Dataset(
        "clic2020-test",
        "professional ones Unsplash's (LICENSE_professional_2020.txt at ETH); none is stated for "
        "mobile ones",
        "https://www.compression.cc/",
        (
            RemoteFile(
                "CLIC2020Professional_test.zip",
                (
                    Copy(
                        f"{_ETH}/test/CLIC2020Professional_test.zip",
                        "857df244fc2bfa5da28d4c66bf0db16ee99bfc79eb807be8afa89cd507852884",
                    ),
                    Copy(f"{_GOOGLE}/clic2020_professional_test.zip"),
                ),
                891_643_809,
                250,
                _ANY_PNG,
            ),
            RemoteFile(
                "CLIC2020Mobile_test.zip",
                (
                    Copy(
                        f"{_ETH}/test/CLIC2020Mobile_test.zip",
                        "2025f07a6c652270e534640de4271feef3b3dd3260beed4ac4821064837aa732",
                    ),
                    Copy(f"{_GOOGLE}/clic2020_mobile_test.zip"),
                ),
                721_789_976,
                178,
                _ANY_PNG,
            ),
        ),
    ),
    Dataset(
        "clic-pro-valid",
        "Unsplash's (LICENSE_professional_2020.txt at ETH)",
        "https://www.compression.cc/",
        (
            RemoteFile(
                "professional_valid_2020.zip",
                (
                    Copy(
                        f"{_ETH}/professional_valid_2020.zip",
                        "00be38092ade2ab5163b65f7f6523d46c7bca147007f559adbb02c0afc236b7d",
                    ),
                    Copy(
                        f"{_GOOGLE}/clic2020_professional_valid.zip",
                        "e56568e20ead6bd215b313fed260d1c98b9ba863540039f00892ab67b1e39baf",
                    ),
                ),
                134_834_429,
                41,
                _ANY_PNG,
            ),
        ),
    ),
    Dataset(
        "tecnick",
        "CC BY-NC-SA 3.0, as the archive's README says: not for commercial use",
        "https://testimages.org/",
        (
            RemoteFile(
                "testimages.zip",
                (
                    Copy(f"https://master.dl.sourceforge.net/project/{_TECNICK}?viasf=1"),
                    Copy(f"https://downloads.sourceforge.net/project/{_TECNICK}"),
                ),
                511_000_000,
                100,
                r"(?:[^/]+/)*RGB_OR_1200x1200/[^/]+\.png",
            ),
        ),
    ),
)
DATASETS: Mapping[str, Dataset] = MappingProxyType({one.id: one for one in _ALL})


def find_dataset(name: str) -> Dataset:
    """The data set of this name; ModeError if the table has none."""
    if name not in DATASETS:
        raise ModeError(
            f"there is no data set {name!r:.40}; choose one of {', '.join(DATASETS)}, or give a "
            "folder of photos"
        )
    return DATASETS[name]
