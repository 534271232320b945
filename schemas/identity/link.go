package identity

// LinkKind names what a link says.
type LinkKind string

const (
	// LinkVerified joins two identifiers of one customer.
	LinkVerified LinkKind = "verified"
	// LinkClaimed suggests that they belong together; it never joins.
	LinkClaimed LinkKind = "claimed"
	// LinkThread says that customer A wrote in thread B. The thread belongs to its first customer.
	LinkThread LinkKind = "thread"
	// LinkThreads says that threads A and B are one story.
	LinkThreads LinkKind = "threads"
	// LinkAnonymous says that thread A anchors touchpoints of nobody known; B is zero.
	LinkAnonymous LinkKind = "anonymous"

	// LinkMerge is a user's word that A and B are one person. It joins whatever limits say, and lifts a split.
	LinkMerge LinkKind = "merge"
	// LinkSplit is a user's word that the identifiers in Nodes are not the person that A is. They leave as one person, and no
	// evidence joins the two again, only a user.
	LinkSplit LinkKind = "split"
	// LinkRetract is a user's word that the evidence for A and B is wrong, however often it comes. What then hangs apart, parts.
	LinkRetract LinkKind = "retract"
	// LinkAccept is a user's word that a suggestion is so: A and B count as verified from now on.
	LinkAccept LinkKind = "accept"
	// LinkDecline is a user's word that a suggestion is not so. The pair is not suggested again.
	LinkDecline LinkKind = "decline"
	// LinkRules replaces the rules of the workspace: everything before and after it is decided by Rules. A and B are zero.
	LinkRules LinkKind = "rules"
)

// kinds are the codes of the kinds on the log; new ones go to the end.
var kinds = [...]LinkKind{
	"", LinkVerified, LinkClaimed, LinkThread, LinkThreads, LinkAnonymous,
	LinkMerge, LinkSplit, LinkRetract, LinkAccept, LinkDecline, LinkRules,
}

// Manual tells that the link is the word of a user, and not the trace of a touchpoint.
func (k LinkKind) Manual() bool {
	switch k {
	case LinkMerge, LinkSplit, LinkRetract, LinkAccept, LinkDecline, LinkRules:
		return true
	}
	return false
}

// Link is the claim, made by one touchpoint or by a user, that two nodes belong together or do not: a record of topic
// identity.links.
type Link struct {
	Workspace  string
	Kind       LinkKind
	A          Node
	B          Node
	Touchpoint string // id of the evidence
	Key        Anchor // touchpoint key of the evidence
	Time       int64  // of the evidence, ms since 1970
	Source     string
	Rule       string // that made the link

	// Of a user's word:
	User   string // who
	Reason string // why
	Nodes  []Node // of a split: who leaves
	Rules  string // of new rules: the YAML
}

// Evidence is what the link has to say for itself.
func (l *Link) Evidence() Evidence {
	return Evidence{Touchpoint: l.Touchpoint, Key: l.Key, Rule: l.Rule, Source: l.Source, User: l.User, Reason: l.Reason, Time: l.Time}
}
