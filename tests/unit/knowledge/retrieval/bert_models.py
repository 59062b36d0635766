"""A small untrained BERT: as sentence-transformers saves it, and as an ONNX folder. Needs the extra `neural`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.unit.knowledge.retrieval.onnx_models import VOCABULARY, tokenizer


def exported_bert(folder: Path, pooling: str) -> Path:
    """`theirs` and `ours` in the folder, with the same weights."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    words, theirs, ours = _transformer(folder / "words"), folder / "theirs", folder / "ours"
    module = Transformer(str(words), max_seq_length=12)
    SentenceTransformer(modules=[module, Pooling(32, pooling), Normalize()], device="cpu").save(str(theirs))
    ours.mkdir()
    for path in theirs.rglob("*.json"):
        (ours / path.relative_to(theirs)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, ours / path.relative_to(theirs))
    _export(module, ours / "model.onnx")
    return folder


def _transformer(folder: Path) -> Path:
    import torch
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer(), **named).save_pretrained(folder)
    return folder


def _export(module: Any, path: Path) -> None:
    import warnings

    import torch

    names = ["input_ids", "attention_mask", "token_type_ids"]
    example = tuple(torch.ones((2, 5), dtype=torch.long) for _ in names)
    axes = {name: {0: "n", 1: "t"} for name in [*names, "last_hidden_state"]}

    class Plain(torch.nn.Module):  # type: ignore[misc]  # torch is looked at by nobody
        def __init__(self) -> None:
            super().__init__()
            self.model = module.auto_model.eval().requires_grad_(False)

        def forward(self, ids: Any, mask: Any, kinds: Any) -> Any:
            return self.model(input_ids=ids, attention_mask=mask, token_type_ids=kinds).last_hidden_state

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Plain(),
            example,
            str(path),
            input_names=names,
            output_names=["last_hidden_state"],
            dynamic_axes=axes,
            dynamo=False,
        )


def cross_encoder(folder: Path) -> Path:
    """A CrossEncoder with one label, as it is saved."""
    from sentence_transformers import CrossEncoder

    CrossEncoder(str(_transformer(folder / "words")), num_labels=1, device="cpu").save_pretrained(str(folder / "made"))
    return folder / "made"
