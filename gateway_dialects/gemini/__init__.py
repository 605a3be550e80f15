"""Google's Gemini API (generateContent), as Google AI and Vertex AI serve it."""
