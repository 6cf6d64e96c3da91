"""The demo: the real daemon against an emulated AWS, with a story and a stand-in Slack."""
