"""A cache of the embeddings of recent texts."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from social_sandbox.envs.rules.memory import Vectors


@dataclass(frozen=True, slots=True)
class EmbeddingCache:
    """Keeps the embeddings of the texts that were used most recently.

    Attributes:
        size: Number of texts whose embeddings are kept.
    """

    size: int
    _vectors: OrderedDict[str, Vectors] = field(default_factory=OrderedDict)

    def embed(
        self, texts: Sequence[str], embed_new: Callable[[list[str]], Vectors]
    ) -> list[Vectors]:
        """Return the vector of each text, each of shape (dimension,).

        Args:
            texts: Texts, which may repeat.
            embed_new: Embeds texts that are not in the cache; returns (texts, dimension).
        """
        vectors = {text: self._vectors[text] for text in texts if text in self._vectors}
        new = [text for text in dict.fromkeys(texts) if text not in vectors]
        if new:
            vectors |= zip(new, embed_new(new), strict=True)
        for text, vector in vectors.items():
            self._vectors[text] = vector
            self._vectors.move_to_end(text)
        while len(self._vectors) > self.size:
            self._vectors.popitem(last=False)
        return [vectors[text] for text in texts]
