"""Vectors of the radio protocol, version 3, for whoever writes it anew: all that goes in, and what
comes out, in hex. docs/radio-protocol.md has them too; test_nowvectors.py and, without our code,
testsuite/tools/test_radio_vectors.py compute them.
"""

PSK = "bla"
GROUP = "ble"

# HKDF of both: the secret of the group's channels, the network, the key of pairings.
GROUP_SECRET = "7cd54ceb75d3ad87d7d8de3e894b7b9c1c949dcbc444297c77400285dccab021"
NETWORK = "30a274b8"
PAIRING_KEY = "68e17238a0447dfe19b2aaae68862b0561128dc33bd1a48d2ab5fcfd1e63d447"

# A pairing: secret keys that are usually random, and what follows.
PERIPHERAL = "240ac4000101"
CENTRAL = "240ac4000201"
CENTRAL_SECRET = "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40"
CENTRAL_PUBLIC = "5869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b"
PERIPHERAL_SECRET = "6162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80"
PERIPHERAL_PUBLIC = "244fe3b963e899dd295baffce248d3530f3a9a7479ba063002680ebfe7adad49"
SHARED = "c84ff380f2f65070b8b9abbc433814d11a6f6614a045d86785a9dbb608fc9848"
PAIR_SECRET = "30a15e2790934ef1a38e757ce5ac3a1961623e34dadc023842860be223537038"
OTAKEY = "an otakey of 24 letters!"  # of the central
PROOF = "615244ff5b45e8e07c0a2a5597e33165"
# The answer but for the TID: public key, hidden proof, confirmation, earlier proof.
ANSWER = (
    "5869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b"
    "4389a266e16d6d21cda0f6047cf63728"
    "6203b47ad95aaf88800e10733b8471a3"
    "b2e8e9e56b69867f01591f12cd911661"
)
# The same, if the peripheral names its key of an earlier pairing, and the proof for that.
EARLIER_PUBLIC = "ad438bfae31f6c093d61d4339255ea798092c9fadd07b97827f4b0ae9dee7c1c"
EARLIER_PROOF = "fca9611694431d1eafeb8ed72d5db44a"
ANSWER_AGAIN = (
    "5869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b"
    "4389a266e16d6d21cda0f6047cf63728"
    "6203b47ad95aaf88800e10733b8471a3"
    "ddb2046cbe5e2059cadb0781190326f4"
)

# Channel: keys of encryption and authentication.
KEYS = {
    "group up": (
        "db8d3639fb3daa892978bf645c806d22457902a535bb1c144851ad3dff0f53ba",
        "8564ad3cf8a6a3b2336ad61075a00d77172a9844444d74a92d80ae301ffd3552",
    ),
    "group down": (
        "56e13dafb199e113c292ab8016013de0aeffeded6a69a80ab1b388f119dd8ad3",
        "971f8fa43abac7629ea9059beeb29605dc4b36431e3a246e844a3f702875de91",
    ),
    "pair up": (
        "6e186ffdeecad01e00bf910df76220cc18f02890bc171d98925ca0958d79c0bd",
        "a96ad35ce4a5e5c3e4eeb63eb4755aa3859254937a93c0349f2c36ed8f018650",
    ),
    "pair down": (
        "d9b98113f02da8f5b0525404a0d329098f0f18f9480c5e3ff67e268b59c32060",
        "527a892248548ff7094d0704468969de33b42f75dd42cdc9b414e0e5b269eeae",
    ),
}

# What it says; channel; type, kind; peer; counter; TID; network time; extra; payload; the packet.
PACKETS = (
    (
        "who is there?",
        "group up",
        (4, 0),
        "240ac4000101",
        1025,
        "a1a1a1a1a1a1a1a1a1a1a1a1",
        "000000000000000000000000",
        32768,
        "",
        "030430a274b8240ac400010100000401a1a1a1a1a1a1a1a1a1a1a1a1b6a87dcdb7469f0510760a32"
        "1ccd15d708e0e8fd530a6d7817f94cbb61bb8312",
    ),
    (
        "time for everybody",
        "group down",
        (2, 0),
        "000000000000",
        7001,
        "a2a2a2a2a2a2a2a2a2a2a2a2",
        "4b1d0c0ffee0123456789abc",
        0,
        "240ac400020106",
        "030230a274b800000000000000001b59a2a2a2a2a2a2a2a2a2a2a2a2aab4e579cc9bc29723bdcef3"
        "f3d7b58b20b1446092e8141d5075dee6eb389fa77f0d810962a3eead3373a8f9520c05fa",
    ),
    (
        "let us exchange keys",
        "group up",
        (4, 1),
        "240ac4000101",
        1026,
        "a3a3a3a3a3a3a3a3a3a3a3a3",
        "4b1d0c0ffee0123456789ad0",
        32768,
        "244fe3b963e899dd295baffce248d3530f3a9a7479ba063002680ebfe7adad49",
        "030430a274b8240ac400010100000402a3a3a3a3a3a3a3a3a3a3a3a3cc85f50ad1e2836a1d899073"
        "5f7093f74b7573101fe3950f966b506eac674d0e00a97db2bca7605ac471c92c4cada295676f9a1a"
        "e3b12e45f6473a63dceb571b",
    ),
    (
        "let us exchange keys again",
        "group up",
        (4, 1),
        "240ac4000101",
        1026,
        "b0b0b0b0b0b0b0b0b0b0b0b0",
        "4b1d0c0ffee0123456789ada",
        32768,
        "244fe3b963e899dd295baffce248d3530f3a9a7479ba063002680ebfe7adad49ad438bfae31f6c09"
        "3d61d4339255ea798092c9fadd07b97827f4b0ae9dee7c1c",
        "030430a274b8240ac400010100000402b0b0b0b0b0b0b0b0b0b0b0b00343c7040073e07d09d5292a"
        "cc535a6c43566152370c1c924335354303e9c0e4e5d9281428879799d39a2837bbe5f00b434dc270"
        "17d15ac166457fdcd7000bcfe362c2945c25a8b253c3d4a8a07088c33fae1d91cfde0175703d6f70"
        "8cb2e622",
    ),
    (
        "agreed",
        "group down",
        (4, 0),
        "240ac4000101",
        7002,
        "a4a4a4a4a4a4a4a4a4a4a4a4",
        "4b1d0c0ffee0123456789e40",
        0,
        "a3a3a3a3a3a3a3a3a3a3a3a35869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a7"
        "68f1a67b4389a266e16d6d21cda0f6047cf637286203b47ad95aaf88800e10733b8471a3b2e8e9e5"
        "6b69867f01591f12cd911661",
        "030430a274b8240ac400010100001b5aa4a4a4a4a4a4a4a4a4a4a4a4046d0eaf20cdb19c4ff07abb"
        "3099e427a2374971523b12c3f01634dd0ad54421cc2a95426d53aaabe1a9468eb8ea1d64a1a59c38"
        "4fa8cda2843658e5465ede8eef10861d60c587af51e36a5719424a4df22c442a267d69cc6354fcce"
        "acb75e92b45b0a4cf13ab85c499a6b9ffafb2b4688aea7055167b8e0b780e5973a80a7b2",
    ),
    (
        "you are known, and the window is closed",
        "group down",
        (4, 1),
        "240ac4000101",
        7003,
        "a5a5a5a5a5a5a5a5a5a5a5a5",
        "4b1d0c0ffee0123456789e4a",
        0,
        "a3a3a3a3a3a3a3a3a3a3a3a3",
        "030430a274b8240ac400010100001b5ba5a5a5a5a5a5a5a5a5a5a5a56e4f8d17c40cde4d44238882"
        "1da5ac299a9c332e3e91ddde6053cdfb52780a70d82d0dac58e51fc97a21b5a7d609ac63",
    ),
    (
        "later",
        "group down",
        (4, 2),
        "240ac4000101",
        7004,
        "a6a6a6a6a6a6a6a6a6a6a6a6",
        "4b1d0c0ffee0123456789e54",
        0,
        "a3a3a3a3a3a3a3a3a3a3a3a3",
        "030430a274b8240ac400010100001b5ca6a6a6a6a6a6a6a6a6a6a6a6456ce11e2c451c6fb9788409"
        "e4cf7fe20f500ab378393c011e5cf9be7f2dc79b4192c18ffc566b2945709b3536c7e07c",
    ),
    (
        "awake",
        "pair up",
        (5, 0),
        "240ac4000101",
        1027,
        "a7a7a7a7a7a7a7a7a7a7a7a7",
        "4b1d0c0ffee0123456789ea4",
        32768,
        "",
        "030530a274b8240ac400010100000403a7a7a7a7a7a7a7a7a7a7a7a7dd7d581dd66032d60e80fdfa"
        "34faa82aa67133f7481d345bbe8d4204142aa0f1",
    ),
    (
        "confirmed",
        "pair down",
        (2, 1),
        "240ac4000101",
        7005,
        "a8a8a8a8a8a8a8a8a8a8a8a8",
        "4b1d0c0ffee0123456789eae",
        0,
        "a7a7a7a7a7a7a7a7a7a7a7a706",
        "030230a274b8240ac400010100001b5da8a8a8a8a8a8a8a8a8a8a8a83f9b3bcbb144942ff5ffd3a5"
        "45cdb17a9b2fc10d83cbb249a12e443c0291455497817147f616e4200eed98a118136a43",
    ),
    (
        "is this the time?",
        "pair up",
        (3, 0),
        "240ac4000101",
        1028,
        "a9a9a9a9a9a9a9a9a9a9a9a9",
        "4b1d0c0ffee0123456789eb8",
        32768,
        "",
        "030330a274b8240ac400010100000404a9a9a9a9a9a9a9a9a9a9a9a9584f5ee97f5cbfc36c423211"
        "62e38587d6d74c2ca2210cab401e620ab9c6050b",
    ),
    (
        "a reading nobody confirms",
        "pair up",
        (1, 0),
        "240ac4000101",
        1029,
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "4b1d0c0ffee012345678a28c",
        3712,
        "737461742f544e6f772f596f7572525353490a2d3430",
        "030130a274b8240ac400010100000405aaaaaaaaaaaaaaaaaaaaaaaa819342f93b502ead5e89185e"
        "f3c94161dec4a4778ee6ca054f613e61a5304a71e167c24c31e1f7f407195f4031d8107b54bee2d3"
        "7611a28d6e5fc927cb667c37",
    ),
    (
        "a reading to confirm",
        "pair up",
        (1, 2),
        "240ac4000101",
        1030,
        "abababababababababababab",
        "4b1d0c0ffee012345678a2f0",
        3712,
        "737461742f544e6f772f596f7572525353490a2d3430",
        "030130a274b8240ac400010100000406abababababababababababab962471f77b15ff4a73432c99"
        "cd95df496159b3953b83c17792ddd61b56565bdec59446322a4d13d347cfd0444ed766833b49b089"
        "ba6ec005f3dce2193c348ece",
    ),
    (
        "confirmed, more waits and an update",
        "pair down",
        (2, 1),
        "240ac4000101",
        7006,
        "acacacacacacacacacacacac",
        "4b1d0c0ffee012345678a2fa",
        3,
        "abababababababababababab06",
        "030230a274b8240ac400010100001b5eacacacacacacacacacacacac1fe7357e61c34ab3067e3062"
        "3f87595c1b1dc012fe6d4e239b6b4e94501649b51c3d8e30bac46f62e2bb74f500922e9e",
    ),
    (
        "back data",
        "pair down",
        (2, 2),
        "240ac4000101",
        7007,
        "adadadadadadadadadadadad",
        "4b1d0c0ffee012345678a30e",
        1,
        "737461742f544e6f77502f596f7572525353490a2d3532",
        "030230a274b8240ac400010100001b5fadadadadadadadadadadadadce23431ba26d33767b2838aa"
        "9742dcd2bb57efd8513e69c46280668207c6936d3252fdb5e049ec2343cd8cc6d474d1e6354cb91d"
        "55368637dcadea205baed46d",
    ),
    (
        "receipt of back data",
        "pair up",
        (1, 3),
        "240ac4000101",
        1031,
        "aeaeaeaeaeaeaeaeaeaeaeae",
        "4b1d0c0ffee012345678a318",
        3712,
        "adadadadadadadadadadadad",
        "030130a274b8240ac400010100000407aeaeaeaeaeaeaeaeaeaeaeae9732a47dc01a3717635394b8"
        "0a347b29760fd7e85f7252ea0c6188cd6a82471dff3e8a3481867a4f9ca0d89506aacfb5",
    ),
    (
        "receipt: I know that an update waits",
        "pair up",
        (1, 3),
        "240ac4000101",
        1032,
        "afafafafafafafafafafafaf",
        "4b1d0c0ffee012345678a322",
        3712,
        "000000000000000000000000",
        "030130a274b8240ac400010100000408afafafafafafafafafafafaf2233d1edef5866d9a435b97a"
        "a53c9f91d1cc602ffd1facd7533f053f1cac722f417160efde13661e30f49e03f9bc0a73",
    ),
    (
        "the longest payload",
        "pair up",
        (1, 2),
        "240ac4000101",
        2147483647,
        "a0a0a0a0a0a0a0a0a0a0a0a0",
        "4b1d0c0ffee012345678a32c",
        20096,
        "737461742f5363616c652f546578740a787878787878787878787878787878787878787878787878"
        "78787878787878787878787878787878787878787878787878787878787878787878787878787878"
        "78787878787878787878787878787878787878787878787878787878787878787878787878787878"
        "78787878787878787878787878787878787878787878787878787878787878787878787878787878"
        "78787878787878787878787878787878",
        "030130a274b8240ac40001017fffffffa0a0a0a0a0a0a0a0a0a0a0a0b45102ec254af976443aba55"
        "c531a017887553615b41d6b63d8d94c0ebe6d908eab366942be5f0d9c2b73b8f732a14e84530e91b"
        "7646f15eab02c1ddb5f0948a6703c459909232c4769324770c80eacf8f7c4a33efd46f02e157fbc3"
        "c97545aea5f1eebbd21820043a49ab99875e59c68f449af9e1f272019775a453dccbf50eb62f1860"
        "d1cda9c78d02bc0bfa6c5c89106fd418102245a587346d33f779bfdcd76cd5c043530e98a5c074e1"
        "c041ebf17e8c7fc5c979fe349aa01272c50e3a59345e93f4832fbbd1ea2fd49a5f1f39b2",
    ),
)
