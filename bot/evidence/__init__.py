"""What a case rests on, kept so that it can be shown and reckoned again: what was asked, what was answered, what AWS
said before the first change. Nothing here changes anything in AWS.
"""
