package demo

import "time"

// talkTimes are how long each step of the conversation took, or waited.
type talkTimes struct {
	following, answered, reading     pair
	saying, hearing, alone, replying time.Duration
}

// quoted is a text that somebody wrote.
func quoted(words string) string { return "“" + words + "”" }

func (s *scene) follows() row {
	return row{
		left:  &card{8, "Ana follows", ms(s.times.following.left), s.lives.Cluster, []text{plain("channelEvents of ").and(s.byAcme())}},
		right: &card{8, "Gil follows", ms(s.times.following.right), s.lives.Cluster, []text{plain("channelEvents of ").and(s.byGlobex())}},
	}
}

func (s *scene) says() row {
	return row{goes: left, left: &card{9, "Ana writes", ms(s.times.saying), s.lives.Cluster, []text{
		plain("postMessage"), plain(quoted(s.talk.hello)),
	}}}
}

func (s *scene) hearsHello() row {
	return row{comes: across, right: &card{10, "Gil hears", ms(s.times.hearing) + " after 9", s.lives.Cluster, []text{
		plain("MessagePosted: Ana (acme)"), plain(quoted(s.talk.hello)),
	}}}
}

func (s *scene) saysAlone() row {
	return row{right: &card{11, "Gil whispers", ms(s.times.alone), s.lives.Cluster, []text{
		plain("postMessage to ").and("globex alone", inkRightly), plain(quoted(s.talk.alone)),
	}}}
}

func (s *scene) replies() row {
	return row{goes: right, right: &card{12, "Gil replies", ms(s.times.replying), s.lives.Cluster, []text{
		plain("postMessage to everyone"), plain(quoted(s.talk.reply)),
	}}}
}

func (s *scene) hearReply() row {
	told := []text{plain("MessagePosted: Gil (globex)"), plain(quoted(s.talk.reply))}
	return row{
		comes: toBoth,
		left:  &card{13, "Ana hears", ms(s.times.answered.left) + " after 12", s.lives.Cluster, told},
		right: &card{13, "Gil hears", ms(s.times.answered.right) + " after 12", s.lives.Cluster, told},
	}
}

func (s *scene) readBack() row {
	hello, reply := text{{"Ana: ", inkLeftly}, {s.talk.hello, inkPlain}}, text{{"Gil: ", inkRightly}, {s.talk.reply, inkPlain}}
	alone := text{{"Gil, to globex alone: ", inkRightly}, {s.talk.alone, inkPlain}}
	return row{
		left:  &card{14, "Ana reads", ms(s.times.reading.left), s.lives.Cluster, []text{hello, reply}},
		right: &card{14, "Gil reads", ms(s.times.reading.right), s.lives.Cluster, []text{hello, alone, reply}},
	}
}
