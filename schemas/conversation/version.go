package conversation

// Limits of what a version can count: 68 thousand million moves in a workspace, 268 million changes of one person.
const (
	MoveBits   = 36
	ChangeBits = 28
)

// VersionOf orders the rows that are written about one touchpoint or the conversation it names. First counts the move
// that gave the touchpoint to the person who writes (0 before any): whoever got it later is right. Then counts how many
// stubs that person has taken in or given away: both grow with the log and with nothing else, so that the same row
// written twice has the same version, and a row that is overtaken never has the higher one. Numbers beyond the limits
// stay at the limit.
func VersionOf(move, changes uint64) uint64 {
	return min(move, 1<<MoveBits-1)<<ChangeBits | min(changes, 1<<ChangeBits-1)
}
