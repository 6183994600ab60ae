"""Turns ranges into the search tree of mmdb_writer and writes the file.

mmdb_writer's own insert walks 128 bits in Python for each prefix and knows no
sharing. Building from sorted ranges takes seconds, has one fixed order (a
rebuild is byte-identical), and gives equal subtrees one node: readers only ever
follow a node downwards, as they do in MaxMind's own aliased networks. That
saves a quarter of the nodes and so keeps IPv6 at full precision.
"""

from bisect import bisect_right

from mmdb_writer import SearchTreeLeaf, SearchTreeNode, TreeWriter

DATABASE_TYPE = "phonehome-geo"


class Parts:
    """Leaves and nodes, equal ones made once; `record` gives a leaf its data."""

    def __init__(self, record):
        self.record, self.leaves, self.nodes = record, {}, {}

    def leaf(self, value):
        if value not in self.leaves:
            self.leaves[value] = SearchTreeLeaf(self.record(value))
        return self.leaves[value]

    def node(self, left, right):
        if left is right and not isinstance(left, SearchTreeNode):
            return left
        # Identities stay unique because both tables keep every part alive.
        key = id(left), id(right)
        if key not in self.nodes:
            self.nodes[key] = SearchTreeNode(left, right)
        return self.nodes[key]


def build(rows, bits, parts):
    """The tree of one address family."""
    firsts = [r[0] for r in rows]

    def subtree(low, width, begin, end):
        if begin == end:
            return None
        first, last, value = rows[begin]
        if first <= low and low + (1 << width) - 1 <= last:
            return parts.leaf(value)
        middle = low + (1 << width - 1)
        split = bisect_right(firsts, middle - 1, begin, end)
        # The range that crosses the middle belongs to both halves.
        right = split - 1 if split > begin and rows[split - 1][1] >= middle else split
        return parts.node(
            subtree(low, width - 1, begin, split),
            subtree(middle, width - 1, right, end),
        )

    return subtree(0, bits, 0, len(rows))


def join(ipv4, ipv6):
    """IPv4 lives at ::/96 of an IPv6 tree, where every MMDB reader looks."""
    below = ipv4
    for _ in range(96 - 3):
        below = SearchTreeNode(below, None)
    # special.py leaves nothing of IPv6 in ::/3; here it would be lost.
    assert ipv6.left.left.left is None
    third = SearchTreeNode(below, ipv6.left.left.right)
    return SearchTreeNode(SearchTreeNode(third, ipv6.left.right), ipv6.right)


def write(path, root, description, epoch):
    """Returns the number of nodes and the bits of a record."""
    meta = {
        "ip_version": 6,
        "database_type": DATABASE_TYPE,
        "languages": ["en"],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "description": {"en": description},
        "build_epoch": epoch,
    }
    # mmdb_writer.MMDBWriter would put the time of the run into build_epoch.
    writer = TreeWriter(root, meta, int_type="u32")
    writer.write(path)
    return writer._node_counter, writer.record_size
