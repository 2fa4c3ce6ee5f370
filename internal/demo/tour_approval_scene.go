package demo

import "time"

// approvalScene is the channel that takes an approval, and how long each step of that took, or waited.
type approvalScene struct {
	name                               string
	wanting, asking, waiting, agreeing time.Duration
	linked                             pair
}

func (s *scene) wantsApproval() row {
	return row{right: &card{19, "Gil wants approvals", ms(s.approval.wanting), onMain(s.globex), []text{
		plain("setSharingPolicy: members may say yes, and an admin has to agree"),
	}}}
}

func (s *scene) asksAgain() row {
	return row{goes: left, left: &card{20, "Ana asks again", ms(s.approval.asking), onMain(s.lives, s.globex), []text{
		plain("createSharedChannel ").and("“"+s.approval.name+"”", inkLeftly).and(" with globex", inkPlain),
	}}}
}

func (s *scene) memberAccepts() row {
	return row{comes: across, right: &card{21, "Hua says yes", ms(s.approval.waiting), onMain(s.lives, s.globex), []text{
		plain("acceptSharedChannel, as a member: ").and("AWAITING_APPROVAL", inkStrong).and(". To globex there is no channel yet.", inkPlain),
	}}}
}

func (s *scene) agrees() row {
	return row{goes: right, right: &card{22, "Gil agrees", ms(s.approval.agreeing), onMain(s.lives, s.globex), []text{
		plain("approveInvitation, as an admin. At the end globex's policy is what it was."),
	}}}
}

func (s *scene) hearAgreed() row {
	told := []text{plain("SharedChannelLinked: ").and("“"+s.approval.name+"”", inkPlain)}
	return row{
		comes: toBoth,
		left:  &card{23, "Ana hears", ms(s.approval.linked.left) + " after 22", s.acme.Cluster, told},
		right: &card{23, "Gil hears", ms(s.approval.linked.right) + " after 22", s.globex.Cluster, told},
	}
}
