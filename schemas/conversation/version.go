package conversation

// Limits of what a version can count: 16 million moves of one anchor, 10^12 changes of one person.
const (
	HopBits    = 24
	ChangeBits = 40
)

// VersionOf orders the rows that are written about one touchpoint or the conversation it names. First counts how often
// the touchpoint's anchor had moved when it came to the person who writes: whoever got it later is right. Then counts
// how often that person's set has changed. Both grow with the log and with nothing else, so that the same row written
// twice has the same version, and a row that is overtaken never has the higher one. Numbers beyond the limits stay at
// the limit.
func VersionOf(hop uint32, changes uint64) uint64 {
	return min(uint64(hop), 1<<HopBits-1)<<ChangeBits | min(changes, 1<<ChangeBits-1)
}
