"""Who is one person, computed from the two sources alone: a union-find with the two rules of the demo.

A second, independent program, as expect.py: identifiers that one sighting names together are one
person's, unless the union would hold two unionids. Of the wrong sightings it is known that they are
taken back at once.
"""


class People:
    def __init__(self):
        self._parent, self._unionids = {}, {}
        self.merged = self.stopped = 0

    def see(self, identifiers):
        """One sighting; the first identifier is the one that stands for the person."""
        first = self._known(identifiers[0])
        for identifier in identifiers[1:]:
            if identifier not in self._parent:
                self._join(self._known(identifier), first)
                continue
            first, other = self._root(identifiers[0]), self._root(identifier)
            if first == other:
                continue
            if len(self._unionids[first] | self._unionids[other]) > 1:
                self.stopped += 1
                continue
            self._join(other, first)
            self.merged += 1

    def names(self):
        return self._parent.keys()

    def count(self):
        return sum(1 for name, parent in self._parent.items() if name == parent)

    def same(self, one, other):
        return self._root(one) == self._root(other)

    def _known(self, identifier):
        if identifier not in self._parent:
            self._parent[identifier] = identifier
            self._unionids[identifier] = {identifier} if identifier[0] == "unionid" else set()
        return self._root(identifier)

    def _join(self, child, root):
        self._parent[child] = root
        self._unionids[root] |= self._unionids.pop(child)

    def _root(self, name):
        while self._parent[name] != name:
            self._parent[name] = self._parent[self._parent[name]]
            name = self._parent[name]
        return name


def figures(purchases, plan):
    """What the services must show of it."""
    people = People()
    events = [(moment.time_s, 0, sighting.identifiers)
              for moment in plan.moments.values() for sighting in moment.sightings]
    events += [(purchase.time_s, 1, (("customer", "cdnow", purchase.customer),))
               for purchase in purchases]
    for _, _, identifiers in sorted(events, key=lambda event: event[:2]):
        people.see(identifiers)
    wrong = sum(len(moment.wrong) for moment in plan.moments.values())
    return {
        "persons": people.count(),
        "followers": sum(1 for name in people.names() if name[0] == "unionid"),
        "second_source_touches": len(plan.sightings()),
        "merges": people.merged + wrong,
        "splits": wrong,
        "suppressed_links": people.stopped,
    }
