package demo

import (
	"fmt"
	"time"
)

// place is where data lives: a slot, on a cluster.
type place struct {
	Slot    int32
	Cluster string
}

func (p place) String() string { return fmt.Sprintf("%s, slot %d", p.Cluster, p.Slot) }

// scene is what the tour has seen so far, and how that looks.
type scene struct {
	url          string
	acme, globex place // where the groups' own data lives
	note         string
	acmeName     string // what each calls the channel
	globexName   string
	channel      string // its id
	lives        place

	opened, linked, read pair          // how long each side took, or waited
	asking, arriving     time.Duration // how long creating took; the request's way from then on
	accepting, looking   time.Duration

	talk  words
	times talkTimes

	circle circleTimes

	approval approvalScene
}

// pair is one duration a side.
type pair struct{ left, right time.Duration }

// onMain are the clusters of a step that the main database decides.
func onMain(places ...place) string {
	where := "main"
	seen := map[string]bool{}
	for _, p := range places {
		if !seen[p.Cluster] {
			where += ", " + p.Cluster
		}
		seen[p.Cluster] = true
	}
	return where
}

func (s *scene) byAcme() (string, ink)   { return "“" + s.acmeName + "”", inkLeftly }
func (s *scene) byGlobex() (string, ink) { return "“" + s.globexName + "”", inkRightly }

func (s *scene) header(to *screen) error {
	return to.header("Linkspan: two organisations share a channel", s.url,
		"acme", "Ana · data on "+s.acme.String(), "globex", "Gil · data on "+s.globex.String())
}

func (s *scene) listening() row {
	follows := []text{plain("subscription to the group's inbox, from now on")}
	return row{
		left:  &card{1, "Ana listens", ms(s.opened.left), s.acme.Cluster, follows},
		right: &card{1, "Gil listens", ms(s.opened.right), s.globex.Cluster, follows},
	}
}

func (s *scene) asks() row {
	where := fmt.Sprintf("%s (slot %d)", onMain(s.lives), s.lives.Slot)
	return row{goes: left, left: &card{2, "Ana asks", ms(s.asking), where, []text{
		plain("createSharedChannel ").and(s.byAcme()).and(" with globex", inkPlain),
		{{s.channel, inkDim}},
	}}}
}

func (s *scene) arrives() row {
	return row{comes: across, right: &card{3, "Gil hears", ms(s.arriving) + " after 2", s.globex.Cluster, []text{
		plain("InvitationReceived: Ana (acme) asks globex to share ").and(s.byAcme()),
		plain("“" + s.note + "”"),
	}}}
}

func (s *scene) accepts() row {
	return row{goes: right, right: &card{4, "Gil accepts", ms(s.accepting), onMain(s.lives, s.globex), []text{
		plain("acceptSharedChannel, and calls it ").and(s.byGlobex()),
	}}}
}

func (s *scene) hear() row {
	return row{
		comes: toBoth,
		left:  &card{5, "Ana hears", ms(s.linked.left) + " after 4", s.acme.Cluster, []text{plain("SharedChannelLinked: globex is in ").and(s.byAcme())}},
		right: &card{5, "Gil hears", ms(s.linked.right) + " after 4", s.globex.Cluster, []text{plain("SharedChannelLinked: here is ").and(s.byGlobex())}},
	}
}

func (s *scene) same() row {
	id := text{{s.channel, inkDim}}
	return row{
		left:  &card{6, "Ana opens it", ms(s.read.left), s.lives.Cluster, []text{id, plain("is ").and(s.byAcme())}},
		right: &card{6, "Gil opens it", ms(s.read.right), s.lives.Cluster, []text{id, plain("is ").and(s.byGlobex())}},
	}
}

func (s *scene) outsider() row {
	return row{third: &card{7, "Ivy (initech) tries", ms(s.looking), s.lives.Cluster, []text{
		text{{s.channel, inkDim}}.and(" is ", inkPlain).and("null", inkStrong).and(": there is no such channel to a third group.", inkPlain),
	}}}
}

func (s *scene) closing(to *screen) error {
	list := "globex's list of channels is on " + s.globex.Cluster + "."
	if s.globex.Cluster == s.lives.Cluster {
		list = "globex's data happens to be there too."
	}
	summary := plain("One channel, one id: ").and(s.byAcme()).and(" to acme, ", inkPlain).and(s.byGlobex()).and(" to globex. It lives on "+
		s.lives.String()+", with the data of acme, who made it; "+list+
		" What Gil says to globex alone is in no answer to acme.", inkPlain)
	lines := []string{""}
	for _, line := range summary.wrap(to.total()) {
		lines = append(lines, to.line(line, 0))
	}
	lines = append(lines, to.paint("Times are what the clients waited; “after 2” counts from when step 2 was sent.", inkDim))
	lines = append(lines, "", to.paint("Try next", inkStrong))
	for _, next := range [][2]string{
		{"export LINKSPAN_TOKEN=$(bin/linkspan token gil@globex)", ""},
		{"bin/linkspan listen", "hear as globex what comes, and ..."},
		{"bin/linkspan tour", "... play this again in another terminal"},
		{"bin/linkspan listen --channel " + s.channel, ""},
		{"clients/operations.graphql", "every operation, to send yourself"},
	} {
		line := "  " + next[0]
		if next[1] != "" {
			line = fmt.Sprintf("  %-28s", next[0]) + to.paint(next[1], inkDim)
		}
		lines = append(lines, line)
	}
	return to.lines(append(lines, "")...)
}
