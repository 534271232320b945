package mailtext

import (
	"regexp"
	"strings"
)

// Fresh is what the sender has written: the text without the mails that are quoted above or below it and without
// signature. Quotes that stand between answers stay, because the answers make no sense without them. Where nothing
// would remain, as in a mail that is forwarded without a word, it is the whole text.
func Fresh(text string) string {
	lines := strings.Split(text, "\n")
	end := cutHistory(lines)
	end = cutSignature(lines[:end])
	end = cutQuote(lines[:end])
	begin := leadingQuote(lines[:end])
	if out := strings.TrimSpace(strings.Join(lines[begin:end], "\n")); out != "" {
		return out
	}
	return strings.TrimSpace(text)
}

// Lines that mail programs put before the mail that is answered. They are anchored and bounded, so that no line of a
// hostile mail costs more than its length.
var (
	separator = regexp.MustCompile(`^\s*(-{2,}|_{2,})\s*(Original Message|Original-Nachricht|Ursprüngliche Nachricht|Ursprungliche Nachricht|Forwarded message|Weitergeleitete Nachricht|Message d'origine|Mensaje original|Messaggio originale|Oorspronkelijk bericht)\s*(-{2,}|_{2,})\s*$`)
	wrote     = regexp.MustCompile(`(?i)\b(wrote|schrieb|schreef|escribió|a écrit|ha scritto|escreveu|napisał|skrev)\b.{0,300}:\s*$`)
	opening   = regexp.MustCompile(`(?i)^\s*(On|Am|Le|El|Il|Op|Em|W dniu|Den|Le)\s.{0,400}\d`)
	headLine  = regexp.MustCompile(`(?i)^\s*\*?(From|Von|De|Da|Van)\s?:\*?\s.{0,400}$`)
	headMore  = regexp.MustCompile(`(?i)^\s*\*?(Sent|Gesendet|Date|Datum|Envoyé|Enviado|Inviato|Verzonden|To|An|À|Para|A|Aan|Subject|Betreff|Objet|Asunto|Oggetto|Onderwerp)\s?:\*?\s`)
	mobile    = regexp.MustCompile(`(?i)^\s*(Sent from my|Von meinem .{0,40} gesendet|Gesendet von|Envoyé de mon|Enviado desde mi|Get Outlook for|Diese Nachricht wurde von meinem)\b.{0,100}$`)
)

// cutHistory is where the mail that is answered begins, by a line that says so: all behind it is quoted, with > or
// without.
func cutHistory(lines []string) int {
	for i, line := range lines {
		// Nearly no line has one of the signs: the patterns are for those that have.
		if (strings.Contains(line, "--") || strings.Contains(line, "__")) && separator.MatchString(line) {
			return i
		}
		// Outlook: From:, Sent:, To: and Subject: on lines of their own.
		if strings.IndexByte(line, ':') >= 0 && headLine.MatchString(line) {
			more := 0
			for _, next := range lines[i+1 : min(len(lines), i+8)] {
				if headMore.MatchString(next) {
					more++
				}
			}
			if more >= 2 {
				return backOverRule(lines, i)
			}
		}
	}
	return len(lines)
}

// backOverRule leaves out the line of dashes or underscores above a history.
func backOverRule(lines []string, at int) int {
	if at > 0 && len(lines[at-1]) >= 5 && strings.Trim(lines[at-1], "_- ") == "" {
		return at - 1
	}
	return at
}

// cutSignature is where the signature begins: at "-- " (RFC 3676, 4.3) or where a telephone signs for its owner. What is
// quoted has its signature behind >, and one that is longer than 15 lines is none.
func cutSignature(lines []string) int {
	for i := len(lines) - 1; i >= 0 && i >= len(lines)-15; i-- {
		if line := lines[i]; line == "-- " || line == "--" || onlyBlank(lines[i+1:]) && mobile.MatchString(line) {
			return i
		}
	}
	return len(lines)
}

func onlyBlank(lines []string) bool {
	for _, l := range lines {
		if strings.TrimSpace(l) != "" {
			return false
		}
	}
	return true
}

// cutQuote is where the quote at the end begins, with the line that introduces it.
func cutQuote(lines []string) int {
	end, quoted := len(lines), false
	for end > 0 {
		line := strings.TrimSpace(lines[end-1])
		if line != "" && line[0] != '>' {
			break
		}
		quoted = quoted || line != ""
		end--
	}
	if !quoted {
		// Without >, as some programs quote, the introduction is the only sign.
		if i := introduction(lines); i >= 0 {
			return i
		}
		return len(lines)
	}
	return backOverIntroduction(lines, end)
}

// introduces tells whether a line ends as those do that stand above a quote.
func introduces(line string) bool {
	return len(line) <= 500 && strings.HasSuffix(strings.TrimRight(line, " \t\u00a0"), ":") && wrote.MatchString(line)
}

// introduction is the first line such as "On Monday Anna wrote:" behind which nothing is marked as a quote; -1 if there
// is none. A sentence that merely ends so is told apart by the date that introductions have.
func introduction(lines []string) int {
	for i, line := range lines {
		if i == 0 || !introduces(line) {
			continue
		}
		if opening.MatchString(line) {
			return i
		}
		if opening.MatchString(lines[i-1]) && len(lines[i-1]) <= 500 {
			return i - 1
		}
	}
	return -1
}

// backOverIntroduction leaves out "On Monday Anna wrote:" above a quote, on one line or broken into two.
func backOverIntroduction(lines []string, end int) int {
	if end == 0 || !introduces(lines[end-1]) {
		return end
	}
	if !opening.MatchString(lines[end-1]) && end > 1 && opening.MatchString(lines[end-2]) {
		return end - 2
	}
	return end - 1
}

// leadingQuote is where the quote at the beginning ends, for those who answer below.
func leadingQuote(lines []string) int {
	i := 0
	for i < len(lines) && (strings.TrimSpace(lines[i]) == "" || i < 3 && introduces(lines[i])) {
		i++
	}
	first := i
	for i < len(lines) && (strings.TrimSpace(lines[i]) == "" || lines[i][0] == '>') {
		i++
	}
	if i == first {
		return 0
	}
	for _, line := range lines[i:] {
		if strings.HasPrefix(line, ">") {
			return 0 // quotes and answers take turns
		}
	}
	return i
}
