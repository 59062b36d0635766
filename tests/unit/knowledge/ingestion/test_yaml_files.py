"""YAML as people write it."""

from knowledge.ingestion.yaml_files import split_front_matter


def test_a_front_matter_of_a_million_keys_is_only_text() -> None:
    text = "---\n" + "\n".join(f"k{number}: 1" for number in range(1_000_000)) + "\n---\n正文。\n"
    assert split_front_matter(text) == ("", text)
