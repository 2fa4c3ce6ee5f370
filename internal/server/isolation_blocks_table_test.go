package server_test

// isolatedBlocks is what the table has of blocks.
var isolatedBlocks = []isolated{
	{"Mutation", `mutation { FIELD }`, []may{
		//                                  nobody expired other invited member      admin asker       owner operator
		{`blockGroup(input:$block)`, `      U      U       V     V       NOT_ALLOWED V     NOT_ALLOWED V     NOT_ALLOWED`},
		{`unblockGroup(input:$unblock)`, `  U      U       V     V       NOT_ALLOWED V     NOT_ALLOWED V     NOT_ALLOWED`},
	}},
	{"BlockGroupPayload", `mutation { blockGroup(input: $block) { FIELD } }`, []may{
		//            nobody expired other invited member admin asker owner operator
		{`group`, `   U      U       V     V       0      V     0     V     0`},
		{`errors`, `  U      U       []    []      V      []    V     []    V`},
	}},
	{"UnblockGroupPayload", `mutation { unblockGroup(input: $unblock) { FIELD } }`, []may{
		//            nobody expired other invited member admin asker owner operator
		{`group`, `   U      U       V     V       0      V     0     V     0`},
		{`errors`, `  U      U       []    []      V      []    V     []    V`},
	}},
}

// blocked are whom each group blocks for a moment: groups that it has nothing to do with, or only what is linked, and that it asks for nothing
// at the same time.
var blocked = map[string]string{"acme": "initech", "globex": "initech", "initech": "umbrella", "": "initech"}
