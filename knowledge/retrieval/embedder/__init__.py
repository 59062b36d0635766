"""Our own embedder: a small table of word vectors, made for banking questions and adapted to a bank's own knowledge."""
