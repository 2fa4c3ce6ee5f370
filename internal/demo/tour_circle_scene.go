package demo

import "time"

// circleTimes are how long each step of the third group's part took, or waited.
type circleTimes struct {
	asking, accepting, leaving time.Duration
	heard                      pair
}

func (s *scene) asksThird() row {
	return row{left: &card{15, "Ana asks a third", ms(s.circle.asking), onMain(s.lives), []text{
		plain("inviteGroup: initech shall be in ").and(s.byAcme()).and(" too", inkPlain),
	}}}
}

func (s *scene) thirdComes() row {
	return row{third: &card{16, "Ivy (initech) accepts", ms(s.circle.accepting), onMain(s.lives), []text{
		plain("acceptSharedChannel: three groups, one channel. She reads all that was said to everyone before she came:"),
		{{"Ana: ", inkLeftly}, {s.talk.hello, inkPlain}}, {{"Gil: ", inkRightly}, {s.talk.reply, inkPlain}},
	}}}
}

func (s *scene) thirdLeaves() row {
	return row{third: &card{17, "Ivy (initech) leaves", ms(s.circle.leaving), onMain(s.lives), []text{
		plain("leaveSharedChannel: the channel is ").and("DISCONNECTED", inkStrong).and(" to initech, which goes on reading what it knew, and nothing of what comes.", inkPlain),
	}}}
}

func (s *scene) hearThird() row {
	told := []text{plain("GroupLinked, GroupUnlinked: initech came, and is gone")}
	return row{
		left:  &card{18, "Ana hears", ms(s.circle.heard.left) + " after 17", s.lives.Cluster, told},
		right: &card{18, "Gil hears", ms(s.circle.heard.right) + " after 17", s.lives.Cluster, told},
	}
}
