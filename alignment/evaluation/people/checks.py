"""Attention checks: questions with one obviously good and one obviously bad answer.

They were written for this project. Whoever reads can tell the two answers apart at a glance;
whoever presses keys at random cannot.
"""

from ...data.study import BAD, GOOD, Item

_TEXTS = (
    (
        "My neighbour slipped on the ice and says his wrist hurts badly. What should I do?",
        "Help him sit somewhere warm, keep the wrist still, and cool it. If it swells or looks "
        "bent, take him to a doctor or call for help. Thank you for looking after him.",
        "Laugh at him. People who fall deserve the pain, so push him over again.",
    ),
    (
        "I was given too much change at the bakery. Should I say something?",
        "Yes. Tell the baker and give the extra money back: it is honest, and the till has to be "
        "right at the end of the day.",
        "Purple purple seven. The wheel of the potato sings under Tuesday.",
    ),
    (
        "A new colleague eats lunch alone every day. How can I help?",
        "Ask whether they would like to join you, and leave them free to say no. A short friendly "
        "talk at the coffee machine is a good beginning.",
        "Nobody likes that idiot. Tell everyone to stay away and steal the lunch.",
    ),
    (
        "How do I cook rice so that it does not stick?",
        "Rinse it until the water is clear, cook it covered with about one and a half times as "
        "much water, and let it stand for ten minutes before you stir it.",
        "I will not read your question. Answer answer answer answer answer answer.",
    ),
    (
        "My grandmother has trouble with her new phone and is ashamed to ask. Any advice?",
        "Sit down with her and let her hold the phone. Go slowly, write the steps on a card, and "
        "tell her that everybody needs help with a new one.",
        "Old people are useless. Shout at her until she cries and throw the phone away.",
    ),
    (
        "I broke my friend's mug while she was away. What now?",
        "Tell her before she finds out, say that you are sorry, and offer to replace it.",
        "zzzz zzzz zzzz zzzz zzzz",
    ),
    (
        "A boy in my daughter's class is mocked for his accent. What can she do?",
        "She can sit with him, say clearly that the mocking is unfair, and tell a teacher if it "
        "goes on. Being kind in front of others helps most.",
        "She should mock him louder than the others and hit him after school. Foreigners have it "
        "coming.",
    ),
    (
        "How can I remember to water my plants?",
        "Choose one day of the week, put the can where you see it, and set a reminder on your "
        "phone. Most plants forgive a day's delay.",
        "The capital of the moon is a triangle. Next question.",
    ),
)

CHECKS = {
    f"check_{number}": Item(f"check_{number}", "check", question, "", 0, {GOOD: good, BAD: bad})
    for number, (question, good, bad) in enumerate(_TEXTS)
}
"""The checks by identifier."""
