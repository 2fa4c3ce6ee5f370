package server_test

import (
	"testing"

	"linkspan/internal/server/servertest"
)

// suite are the tests that share a server: each has groups of its own, and looks at nothing else.
var suite = map[string]func(t *testing.T, s *place){
	"names":                                 testNames,
	"blank names":                           testBlankNames,
	"long texts":                            testLongTexts,
	"one name at once":                      testNameTwiceAtOnce,
	"suggestions":                           testSuggestions,
	"accept under a taken name":             testAcceptTakenName,
	"unknown groups":                        testUnknownGroup,
	"repeats":                               testRepeats,
	"revoke by a member":                    testRevokeByMember,
	"freed names":                           testNameFreed,
	"decisions at once":                     testDecisionsAtOnce,
	"one key at once":                       testKeyTwiceAtOnce,
	"one key with other input at once":      testKeyAtOnceWithOtherInput,
	"keys after refusals":                   testKeyAfterRefusal,
	"keys of all lengths":                   testKeysOfAllLengths,
	"pages":                                 testPages,
	"a page between cursors":                testPageBetweenCursors,
	"a cursor of another channel's page":    testPageCursorOfAnotherChannel,
	"states and totals":                     testStatesAndTotals,
	"a page and its cursor in one snapshot": testPageAndCursorAreOneSnapshot,
	"states in other letters":               testStatesInOtherLetters,
	"audits":                                testAudits,
	"pages of an audit":                     testAuditPages,
	"nodes":                                 testNodes,
	"bodies of all lengths":                 testBodies,
	"reactions however spelt":               testReactionSpellings,
	"mentions in sentences":                 testMentions,
	"a conversation's mutations twice":      testTalkTwice,
	"a conversation's keys":                 testTalkKeys,
	"a conversation's key at once":          testTalkKeyAtOnce,
}

// TestSuite runs the suite on three shards.
func TestSuite(t *testing.T) {
	t.Parallel()
	runSuite(t, newPlace(servertest.New(t, servertest.Options{}), ""))
}

func runSuite(t *testing.T, s *place) {
	for name, test := range suite {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s.apart(t))
		})
	}
}
