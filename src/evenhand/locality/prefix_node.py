"""A node of the radix tree: a stretch of text, who holds it up to its end, and how it goes on."""

NODE_BYTES = 544
"""What a node that one engine holds takes besides its text, with its places in containers: 420
measured, and a reserve."""


class PrefixNode:
    """Its children differ in their first byte. The root is its own parent and all engines hold it."""

    __slots__ = ("children", "edge", "holders", "parent")

    def __init__(self, edge: bytes, holders: int, parent: "PrefixNode | None" = None) -> None:
        self.edge = edge
        """The text between the parent's end and this node's end."""
        self.holders = holders
        """The engines that hold the prefix up to this node's end, as bits; each of them holds the
        parent's too."""
        self.parent = parent or self
        self.children: dict[int, PrefixNode] = {}

    def split(self, length: int) -> "PrefixNode":
        """Put a new node between this one and its parent, which takes the first `length` bytes of the
        text and has the same holders. `0 < length < len(edge)`."""
        assert 0 < length < len(self.edge)
        upper = PrefixNode(self.edge[:length], self.holders, self.parent)
        self.parent.children[self.edge[0]] = upper
        self.edge = self.edge[length:]
        self.parent = upper
        upper.children[self.edge[0]] = self
        return upper

    def superfluous_child(self) -> "PrefixNode | None":
        """The only child, if it has the same holders: nothing is said by its standing apart."""
        if len(self.children) != 1:
            return None
        (child,) = self.children.values()
        return child if child.holders == self.holders else None

    def absorb(self, child: "PrefixNode") -> None:
        """Take over the text and the children of the only child."""
        self.edge += child.edge
        self.children = child.children
        for grandchild in self.children.values():
            grandchild.parent = self
